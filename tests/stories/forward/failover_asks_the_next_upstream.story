# `failover SERVFAIL`: such a response makes the next upstream be asked.

serve .
    forward . @one @two {
        policy sequential
        failover SERVFAIL REFUSED
    }

client asks web.example A
one hears web.example A
one answers SERVFAIL
two hears web.example A
two answers NOERROR
    answer web.example 60 A 10.0.0.2
client gets NOERROR
    answer web.example 60 A 10.0.0.2
client asks other.example A
one hears other.example A
one answers REFUSED
two hears other.example A
two answers NXDOMAIN
client gets NXDOMAIN
