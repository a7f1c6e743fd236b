# A fresh answer is given from the cache, with the lifetime it has left; upstream is asked once.

serve .
    cache 3600
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR
    answer web.example 60 A 10.0.0.1
client asks web.example A
client gets NOERROR
    answer web.example 60 A 10.0.0.1
upstream hears nothing
