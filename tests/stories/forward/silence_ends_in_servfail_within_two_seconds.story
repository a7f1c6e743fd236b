# One silent upstream: SERVFAIL with an explanation within 2 s in all.

serve .
    cache 3600
    forward . @upstream {
        max_fails 0
    }

upstream is a black hole
client asks web.example A with edns
client gets SERVFAIL within 2s with ede 22/23
upstream was asked at most 4 times
