# RECHECK: after a failed refresh the stale answer is given for so long without asking again.

serve .
    cache 3600 {
        serve_stale 1h immediate 1s 30s
    }
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 10 A 10.0.0.1
client gets NOERROR
    answer web.example 10 A 10.0.0.1
time passes 20s
client asks web.example A
client gets NOERROR
    answer web.example 1 A 10.0.0.1
upstream hears web.example A
upstream answers SERVFAIL
time passes 29s
client asks web.example A
client gets NOERROR
    answer web.example 1 A 10.0.0.1
upstream hears nothing
time passes 2s
client asks web.example A
client gets NOERROR
    answer web.example 1 A 10.0.0.1
upstream hears web.example A
upstream answers NOERROR
    answer web.example 10 A 10.0.0.2
