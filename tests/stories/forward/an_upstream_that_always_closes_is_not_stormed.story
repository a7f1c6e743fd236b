# Closing instead of answering, again and again, ends in SERVFAIL after a few attempts.

serve .
    cache 3600
    forward . @upstream {
        force_tcp
        max_fails 0
    }
rehearsal only: how many attempts are made is the core's choice; here they are counted

client asks web.example A
upstream hears web.example A over tcp
upstream closes
upstream hears web.example A over tcp within 1s
upstream closes
upstream hears web.example A over tcp within 1s
upstream closes
upstream hears web.example A over tcp within 1s
upstream keeps silent
upstream is a black hole
client gets SERVFAIL within 2s
upstream was asked at most 6 times
