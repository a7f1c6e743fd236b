# TC=1 is no whole answer, over TCP either: passed on, not kept.

serve .
    cache 3600
    forward . @upstream

client asks web.example A over tcp
upstream hears web.example A over tcp
upstream answers NOERROR with tc
    answer web.example 60 A 10.0.0.1
client gets NOERROR with tc
    answers 1
client asks web.example A over tcp
upstream hears web.example A over tcp
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
    answer web.example 60 A 10.0.0.2
client gets NOERROR without tc
    answers 2
