# An answer that upstream gave for a client's subnet (ECS) is for that client alone.

serve .
    cache 3600
    forward . @upstream

client asks web.example A with option 8 000118000a0101
upstream hears web.example A
upstream answers NOERROR with option 8 000118180a0101
    answer web.example 60 A 10.0.0.1
client gets NOERROR
    answers 1
bob asks web.example A
upstream hears web.example A without option 8
upstream answers NOERROR
    answer web.example 60 A 10.0.0.2
bob gets NOERROR
    answer web.example 60 A 10.0.0.2
