# Stale answers are given only where serve_stale asks for it, though upstream be dead.

serve .
    cache 3600
    forward . @upstream

client asks web.example A over tcp
upstream hears web.example A
upstream answers NOERROR
    answer web.example 10 A 10.0.0.1
client gets NOERROR
    answer web.example 10 A 10.0.0.1
time passes 20s
upstream is down
client asks web.example A over tcp
client gets SERVFAIL within 2s
