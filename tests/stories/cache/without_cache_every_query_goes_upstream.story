# A block without `cache` forwards, and changes no TTL.

serve .
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 86400 A 10.0.0.1
    answer web.example 1 A 10.0.0.2
client gets NOERROR
    answer web.example 86400 A 10.0.0.1
    answer web.example 1 A 10.0.0.2
client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 0 A 10.0.0.1
client gets NOERROR
    answer web.example 0 A 10.0.0.1
