# The reserved bit of the header does not come back.

serve .
    cache 3600
    forward . @upstream

client asks web.example A with z
upstream hears web.example A
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR without z
    answer web.example 60 A 10.0.0.1
client asks web.example A with z
client gets NOERROR without z
    answer web.example 60 A 10.0.0.1
