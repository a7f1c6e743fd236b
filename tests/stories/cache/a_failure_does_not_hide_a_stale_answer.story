# serve_stale immediate: a failure that a refresh remembered does not come before the stale answer.

serve .
    cache 3600 {
        serve_stale 1h immediate
        servfail 30s
    }
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 10 A 10.0.0.1
client gets NOERROR
    answer web.example 10 A 10.0.0.1
time passes 15s
client asks web.example A
client gets NOERROR
    answer web.example 0 A 10.0.0.1
upstream hears web.example A
upstream answers SERVFAIL
client asks web.example A
client gets NOERROR
    answer web.example 0 A 10.0.0.1
