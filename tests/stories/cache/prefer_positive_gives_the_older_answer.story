# serve_stale_policy prefer_positive: while upstream is sick, a stale answer is better than a cached failure.

serve .
    cache 3600 {
        serve_stale 1h immediate
        serve_stale_policy prefer_positive
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
client gets NOERROR
    answer web.example 0 A 10.0.0.1
upstream hears web.example A
upstream answers SERVFAIL
client asks web.example A
client gets NOERROR
    answer web.example 0 A 10.0.0.1
