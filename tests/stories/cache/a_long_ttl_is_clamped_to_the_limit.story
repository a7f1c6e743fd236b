# `cache 30` bounds the lifetime of success; the very first reply says so already.

serve .
    cache 30
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 86400 A 10.0.0.1
client gets NOERROR
    answer web.example 30 A 10.0.0.1
time passes 29s
client asks web.example A
client gets NOERROR
    answer web.example 1 A 10.0.0.1
time passes 1s
client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 86400 A 10.0.0.1
client gets NOERROR
    answer web.example 30 A 10.0.0.1
