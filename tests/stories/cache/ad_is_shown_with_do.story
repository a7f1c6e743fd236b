# A client that sets DO sees AD as upstream set it.

serve .
    cache 3600
    forward . @upstream

client asks web.example A with do
upstream hears web.example A with do
upstream answers NOERROR with ad with do
    answer web.example 60 A 10.0.0.1
client gets NOERROR with ad with do
    answer web.example 60 A 10.0.0.1
client asks web.example A with do
client gets NOERROR with ad with do
    answer web.example 60 A 10.0.0.1
