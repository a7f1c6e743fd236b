# policy round_robin: the second upstream first (as CoreDNS counts), then in turn.

serve .
    forward . @one @two @three {
        policy round_robin
    }

client asks a.example A
two hears a.example A
two answers NXDOMAIN
client gets NXDOMAIN
client asks b.example A
three hears b.example A
three answers NXDOMAIN
client gets NXDOMAIN
client asks c.example A
one hears c.example A
one answers NXDOMAIN
client gets NXDOMAIN
client asks d.example A
two hears d.example A
two answers NXDOMAIN
client gets NXDOMAIN
