# serve_stale verify: a SERVFAIL from upstream gives the stale answer instead.

serve .
    cache 3600 {
        serve_stale 1h verify
    }
    forward . @upstream

client asks web.example A with edns
upstream hears web.example A
upstream answers NOERROR
    answer web.example 10 A 10.0.0.1
client gets NOERROR
    answer web.example 10 A 10.0.0.1
time passes 20s
client asks web.example A with edns
upstream hears web.example A
upstream answers SERVFAIL
client gets NOERROR with ede 3
    answer web.example 0 A 10.0.0.1
