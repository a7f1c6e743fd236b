# Two server blocks have two caches; the same upstream may tell them different things.

serve one.example
    cache 3600
    forward . @upstream
serve two.example
    cache 10
    forward . @upstream

client asks web.one.example A
upstream hears web.one.example A
upstream answers NOERROR
    answer web.one.example 60 A 10.0.0.1
client gets NOERROR
    answer web.one.example 60 A 10.0.0.1
client asks web.two.example A
upstream hears web.two.example A
upstream answers NOERROR
    answer web.two.example 60 A 10.0.0.1
client gets NOERROR
    answer web.two.example 10 A 10.0.0.1
