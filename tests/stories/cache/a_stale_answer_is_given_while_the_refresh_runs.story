# serve_stale immediate: past its lifetime an answer is given at once with TTL 0, and one refresh is started (RFC 8767).

serve .
    cache 3600 {
        serve_stale 1h immediate
    }
    forward . @upstream

client asks web.example A with edns
upstream hears web.example A
upstream answers NOERROR
    answer web.example 10 A 10.0.0.1
client gets NOERROR without ede
    answer web.example 10 A 10.0.0.1
time passes 60s
client asks web.example A with edns
client gets NOERROR with ede 3
    answer web.example 0 A 10.0.0.1
upstream hears web.example A
client asks web.example A with edns
client gets NOERROR with ede 3
    answer web.example 0 A 10.0.0.1
upstream hears nothing
upstream answers NOERROR
    answer web.example 10 A 10.0.0.2
client asks web.example A with edns
client gets NOERROR without ede
    answer web.example 10 A 10.0.0.2
