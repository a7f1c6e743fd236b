# prefer_udp: TC over UDP makes us ask over TCP.

serve .
    forward . @upstream {
        prefer_udp
    }

client asks web.example A over tcp
upstream hears web.example A over udp
upstream answers NOERROR with tc
upstream hears web.example A over tcp
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR without tc
    answer web.example 60 A 10.0.0.1
