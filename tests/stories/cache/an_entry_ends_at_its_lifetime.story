# When its lifetime is over, an entry is not given any more; upstream is asked again.

serve .
    cache 3600
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 10 A 10.0.0.1
client gets NOERROR
    answer web.example 10 A 10.0.0.1
time passes 10s
client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 10 A 10.0.0.2
client gets NOERROR
    answer web.example 10 A 10.0.0.2
