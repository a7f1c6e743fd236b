# max_concurrent 2: a third question at the same time is REFUSED; room comes back with an answer.

serve .
    forward . @upstream {
        max_concurrent 2
    }

client asks a.example A
client asks b.example A
upstream hears a.example A
upstream hears b.example A
bob asks c.example A
bob gets REFUSED
upstream answers NXDOMAIN
client gets NXDOMAIN for a.example
bob asks c.example A
upstream hears c.example A
upstream answers NXDOMAIN 2 times
client gets NXDOMAIN for b.example
bob gets NXDOMAIN for c.example
