# RA is stored as upstream said it.

serve .
    cache 3600
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR with ra
    answer web.example 60 A 10.0.0.1
client gets NOERROR with ra
    answer web.example 60 A 10.0.0.1
client asks web.example A
client gets NOERROR with ra
    answer web.example 60 A 10.0.0.1
