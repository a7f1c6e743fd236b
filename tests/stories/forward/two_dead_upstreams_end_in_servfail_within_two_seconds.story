# However many upstreams are dead, a client waits 2 s at most.

serve .
    cache 3600
    forward . @one @two {
        force_tcp
        max_fails 0
    }

one is a black hole
two is a black hole
client asks web.example A with edns
client gets SERVFAIL within 2s with ede 22/23
one was asked at most 4 times
two was asked at most 4 times
