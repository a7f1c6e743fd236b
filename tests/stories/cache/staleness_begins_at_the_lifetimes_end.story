# At the very end of its lifetime an entry is stale already: it is refreshed, with no second in between.

serve .
    cache 3600 {
        serve_stale
    }
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 10 A 10.0.0.1
client gets NOERROR
    answer web.example 10 A 10.0.0.1
time passes 10s
client asks web.example A
client gets NOERROR
    answer web.example 0 A 10.0.0.1
upstream hears web.example A
upstream answers NOERROR
    answer web.example 10 A 10.0.0.2
