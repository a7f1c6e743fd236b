# serve_stale verify 100ms: the stale answer comes then; upstream's late answer still renews the entry.

serve .
    cache 3600 {
        serve_stale 1h verify 100ms
    }
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 10 A 10.0.0.1
client gets NOERROR
    answer web.example 10 A 10.0.0.1
time passes 20s
client asks web.example A
upstream hears web.example A
client gets NOERROR within 100ms after 100ms
    answer web.example 0 A 10.0.0.1
upstream answers NOERROR
    answer web.example 10 A 10.0.0.2
client asks web.example A
client gets NOERROR
    answer web.example 10 A 10.0.0.2
