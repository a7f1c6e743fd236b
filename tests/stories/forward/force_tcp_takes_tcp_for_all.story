# force_tcp: a UDP client's query goes upstream over TCP.

serve .
    forward . @upstream {
        force_tcp
    }

client asks web.example A
upstream hears web.example A over tcp
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR
    answer web.example 60 A 10.0.0.1
