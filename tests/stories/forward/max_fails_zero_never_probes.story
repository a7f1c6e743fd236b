# max_fails 0: no probes, never down.

serve .
    forward . @one @two {
        policy sequential
        max_fails 0
    }

client asks a.example A
one hears a.example A
one keeps silent
two hears a.example A within 2s
two answers NXDOMAIN
client gets NXDOMAIN within 2s
time passes 30s
one hears nothing
client asks b.example A
one hears b.example A
one answers NXDOMAIN
client gets NXDOMAIN
