# prefer_udp: a TCP client's query goes upstream over UDP.

serve .
    forward . @upstream {
        prefer_udp
    }

client asks web.example A over tcp
upstream hears web.example A over udp
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR
    answer web.example 60 A 10.0.0.1
