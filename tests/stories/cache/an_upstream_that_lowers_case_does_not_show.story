# On a miss too the client sees its own spelling, though upstream answered in lower case.

serve .
    cache 3600
    forward . @upstream

client asks WeB.eXample A
upstream hears web.example A
upstream answers NOERROR as lower case
    answer web.example 60 A 10.0.0.1
client gets NOERROR
    answer web.example 60 A 10.0.0.1
