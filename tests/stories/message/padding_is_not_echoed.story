# A client's padding does not come back.

serve .
    cache 3600
    forward . @upstream

client asks web.example A with option 12 x64
upstream hears web.example A
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR without option 12
    answer web.example 60 A 10.0.0.1
