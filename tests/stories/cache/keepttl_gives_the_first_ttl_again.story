# `keepttl`: a hit carries the TTL of the first reply, though the entry ages.

serve .
    cache 3600 {
        keepttl
    }
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR
    answer web.example 60 A 10.0.0.1
time passes 59s
client asks web.example A
client gets NOERROR
    answer web.example 60 A 10.0.0.1
time passes 1s
client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 60 A 10.0.0.2
client gets NOERROR
    answer web.example 60 A 10.0.0.2
