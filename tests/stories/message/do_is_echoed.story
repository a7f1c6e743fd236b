# DO comes back set (RFC 3225, 3).

serve .
    cache 3600
    forward . @upstream

client asks web.example A with do
upstream hears web.example A with do
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR with do
    answer web.example 60 A 10.0.0.1
