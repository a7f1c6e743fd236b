# `cache 30 shop.example`: other names pass each time, with their own TTLs.

serve .
    cache 30 shop.example
    forward . @upstream

client asks web.shop.example A
upstream hears web.shop.example A
upstream answers NOERROR
    answer web.shop.example 60 A 10.0.0.1
client gets NOERROR
    answer web.shop.example 30 A 10.0.0.1
client asks web.shop.example A
client gets NOERROR
    answer web.shop.example 30 A 10.0.0.1
client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 600 A 10.0.0.1
client gets NOERROR
    answer web.example 600 A 10.0.0.1
client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 600 A 10.0.0.1
client gets NOERROR
    answer web.example 600 A 10.0.0.1
