# failfast_all_unhealthy_upstreams: with all down, SERVFAIL comes at once and nobody is asked.

serve .
    forward . @one {
        failfast_all_unhealthy_upstreams
    }

one is a black hole
client asks a.example A
client gets SERVFAIL within 2s
time passes 30s
client asks b.example A
client gets SERVFAIL
one is up
