# Where both are said, force_tcp wins.

serve .
    forward . @upstream {
        force_tcp
        prefer_udp
    }

client asks web.example A
upstream hears web.example A over tcp
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR
    answer web.example 60 A 10.0.0.1
