# serve_stale verify with a silent upstream: the stale answer comes within 2 s.

serve .
    cache 3600 {
        serve_stale 1h verify
    }
    forward . @upstream

client asks web.example A over tcp
upstream hears web.example A over tcp
upstream answers NOERROR
    answer web.example 10 A 10.0.0.1
client gets NOERROR
    answer web.example 10 A 10.0.0.1
time passes 20s
upstream is a black hole
client asks web.example A over tcp
client gets NOERROR within 2s
    answer web.example 0 A 10.0.0.1
