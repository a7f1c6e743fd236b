# A hit echoes the question to the letter (0x20), whoever spelled it first.

serve .
    cache 3600
    forward . @upstream

client asks WeB.eXample A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR
    answer web.example 60 A 10.0.0.1
client asks wEb.ExAmPlE A
client gets NOERROR
    answer web.example 60 A 10.0.0.1
upstream hears nothing
