# A client's cookie without a server's part is no answer to it: it does not come back (node-cache echoes it).

serve .
    cache 3600
    forward . @upstream

client asks web.example A with option 10 0102030405060708
upstream hears web.example A
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR without option 10
    answer web.example 60 A 10.0.0.1
client asks web.example A with option 10 0102030405060708
client gets NOERROR without option 10
    answer web.example 60 A 10.0.0.1
