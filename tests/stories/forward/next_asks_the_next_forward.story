# `next NXDOMAIN`: such a response makes the next `forward` be asked.

serve .
    forward . @one {
        next NXDOMAIN
    }
    forward . @two

client asks web.example A
one hears web.example A
one answers NXDOMAIN
two hears web.example A
two answers NOERROR
    answer web.example 60 A 10.0.0.2
client gets NOERROR
    answer web.example 60 A 10.0.0.2
client asks other.example A
one hears other.example A
one answers SERVFAIL
client gets SERVFAIL
