# RESPONSE_TTL is what a stale answer carries.

serve .
    cache 3600 {
        serve_stale 1h immediate 30s
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
    answer web.example 30 A 10.0.0.1
upstream hears web.example A
upstream answers NOERROR
    answer web.example 10 A 10.0.0.1
