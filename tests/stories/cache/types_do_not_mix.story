# The qtype is part of the key.

serve .
    cache 3600
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR
    answer web.example 60 A 10.0.0.1
client asks web.example TXT
upstream hears web.example TXT
upstream answers NOERROR
    answer web.example 60 TXT "hello"
client gets NOERROR
    answer web.example 60 TXT "hello"
client asks web.example A
client gets NOERROR
    answer web.example 60 A 10.0.0.1
upstream hears nothing
