# While upstream is dead, what is cached is answered at once.

serve .
    cache 3600
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR
    answer web.example 60 A 10.0.0.1
upstream is a black hole
bob asks lost.example A over tcp
client asks web.example A
client gets NOERROR
    answer web.example 60 A 10.0.0.1
bob gets SERVFAIL within 2s
