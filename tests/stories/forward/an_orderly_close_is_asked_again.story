# An upstream may close an idle connection just as we ask: the query is repeated, no failure is seen.

serve .
    cache 3600
    forward . @upstream {
        force_tcp
        max_fails 0
    }

client asks web.example A
upstream hears web.example A over tcp
upstream closes
upstream hears web.example A over tcp within 1s
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR within 2s
    answer web.example 60 A 10.0.0.1
