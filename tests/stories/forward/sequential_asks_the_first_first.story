# policy sequential: the first upstream is asked as long as it answers.

serve .
    forward . @one @two {
        policy sequential
    }

client asks a.example A
one hears a.example A
one answers NXDOMAIN
client gets NXDOMAIN
client asks b.example A
one hears b.example A
one answers NXDOMAIN
client gets NXDOMAIN
client asks c.example A
one hears c.example A
one answers NXDOMAIN
client gets NXDOMAIN
