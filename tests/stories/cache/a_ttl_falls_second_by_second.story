# Every TTL of a response is the lifetime that is left.

serve .
    cache 3600
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR
    answer web.example 60 A 10.0.0.1
time passes 1s
client asks web.example A
client gets NOERROR
    answer web.example 59 A 10.0.0.1
time passes 58s
client asks web.example A
client gets NOERROR
    answer web.example 1 A 10.0.0.1
upstream hears nothing
