# MINTTL is 5 s by default, as node-cache has it: a TTL of 0 becomes 5.

serve .
    cache 3600
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 0 A 10.0.0.1
client gets NOERROR
    answer web.example 5 A 10.0.0.1
client asks web.example A
client gets NOERROR
    answer web.example 5 A 10.0.0.1
upstream hears nothing
