# failfast_all_unhealthy_upstreams: with all down, SERVFAIL comes at once and nobody is asked.

serve .
    forward . @one {
        failfast_all_unhealthy_upstreams
    }

client asks a.example A
one hears a.example A
one keeps silent
client gets SERVFAIL within 2s
one is a black hole
time passes 30s
client asks b.example A
client gets SERVFAIL
one is up
