# A padded query of 700 bytes over UDP is read whole (node-cache cuts it at 512).

serve .
    cache 3600
    forward . @upstream

client asks web.example A with option 12 x650
upstream hears web.example A
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR
    answer web.example 60 A 10.0.0.1
