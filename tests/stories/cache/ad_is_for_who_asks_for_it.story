# AD is stored as upstream said it and shown to clients that set AD or DO; an earlier client without them spoils nothing.

serve .
    cache 3600
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR with ad
    answer web.example 60 A 10.0.0.1
client gets NOERROR without ad
    answer web.example 60 A 10.0.0.1
client asks web.example A with ad
client gets NOERROR with ad
    answer web.example 60 A 10.0.0.1
client asks web.example A
client gets NOERROR without ad
    answer web.example 60 A 10.0.0.1
upstream hears nothing
