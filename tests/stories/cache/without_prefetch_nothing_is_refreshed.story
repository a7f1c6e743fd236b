# prefetch is off unless it is asked for.

serve .
    cache 3600
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 100 A 10.0.0.1
client gets NOERROR
    answer web.example 100 A 10.0.0.1
time passes 99s
client asks web.example A 5 times
client gets NOERROR 5 times
    answer web.example 1 A 10.0.0.1
upstream hears nothing
