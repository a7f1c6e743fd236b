# Without force_tcp and prefer_udp, upstream is asked as the client asked: over UDP.

serve .
    forward . @upstream

client asks web.example A
upstream hears web.example A over udp
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR
    answer web.example 60 A 10.0.0.1
