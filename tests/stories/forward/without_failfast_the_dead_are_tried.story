# With all upstreams down, one of them is tried all the same: it may be back.

serve .
    forward . @one

one is a black hole
client asks a.example A
client gets SERVFAIL within 2s
time passes 30s
one is up
client asks b.example A
one hears b.example A within 2s for b.example
one answers NXDOMAIN
client gets NXDOMAIN within 2s
