# One upstream, port closed: SERVFAIL with an explanation, after a few attempts (node-cache makes 22,137).

serve .
    cache 3600
    forward . @upstream {
        max_fails 0
    }

upstream is down
client asks web.example A with edns
client gets SERVFAIL within 2s with ede 22/23 with ra
upstream was asked at most 4 times
