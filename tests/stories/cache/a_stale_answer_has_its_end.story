# After the stale window nobody gets the old answer.

serve .
    cache 3600 {
        serve_stale 30s
    }
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 10 A 10.0.0.1
client gets NOERROR
    answer web.example 10 A 10.0.0.1
time passes 41s
client asks web.example A
client gets nothing
upstream hears web.example A
upstream answers NOERROR
    answer web.example 10 A 10.0.0.2
client gets NOERROR
    answer web.example 10 A 10.0.0.2
