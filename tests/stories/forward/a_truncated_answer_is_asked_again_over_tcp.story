# TC over UDP makes us ask over TCP; the whole answer is cached and given as the client's size allows.

serve .
    cache 3600
    forward . @upstream

client asks web.example A
upstream hears web.example A over udp
upstream answers NOERROR with tc
upstream hears web.example A over tcp
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
    answer web.example 60 A 10.0.0.2
client gets NOERROR without tc
    answer web.example 60 A 10.0.0.1
    answer web.example 60 A 10.0.0.2
client asks web.example A
client gets NOERROR without tc
    answers 2
upstream hears nothing
