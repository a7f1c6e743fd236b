# serve_stale verify: upstream is asked before a stale answer is given; a fresh one wins.

serve .
    cache 3600 {
        serve_stale 1h verify
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
client gets nothing
upstream answers NOERROR
    answer web.example 10 A 10.0.0.2
client gets NOERROR
    answer web.example 10 A 10.0.0.2
