# Only strangers answer: SERVFAIL within 2 s, and no storm of queries.

serve .
    cache 3600
    forward . @upstream {
        max_fails 0
    }
rehearsal only: how often a silent upstream is asked again is the core's choice

client asks web.example A with edns
upstream hears web.example A
upstream answers NOERROR as wrong id
    answer web.example 60 A 6.6.6.6
upstream was asked at most 4 times
