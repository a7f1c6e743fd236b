# health_check: interval, domain and RD of the probes are as configured.

serve .
    forward . @one @two {
        policy sequential
        health_check 1s no_rec domain probe.example
    }

client asks a.example A
one hears a.example A
one keeps silent
two hears a.example A within 2s
two answers NXDOMAIN
client gets NXDOMAIN within 2s
one hears probe.example NS without rd within 3s
one answers NOERROR
client asks b.example A
one hears b.example A
one answers NXDOMAIN
client gets NXDOMAIN
