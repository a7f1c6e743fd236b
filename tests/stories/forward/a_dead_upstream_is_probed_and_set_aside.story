# After a failed exchange an upstream is probed every 500 ms with `NS .`; more than two failed probes and it is down.

serve .
    forward . @one @two {
        policy sequential
    }

client asks a.example A
one hears a.example A
one keeps silent
two hears a.example A within 2s
two answers NXDOMAIN
client gets NXDOMAIN within 2s
one hears . NS with rd within 2s
one keeps silent
one hears . NS within 2s
one keeps silent
one hears . NS within 2s
one keeps silent
one hears . NS within 2s
client asks b.example A
two hears b.example A
two answers NXDOMAIN
client gets NXDOMAIN
# its answer to a probe brings it back
one answers REFUSED
time passes 100ms
client asks c.example A
one hears c.example A
one answers NXDOMAIN
client gets NXDOMAIN
