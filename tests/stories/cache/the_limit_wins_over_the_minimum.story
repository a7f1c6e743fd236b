# Where MINTTL is above TTL, TTL wins.

serve .
    cache {
        success 2000 5 60
    }
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 300 A 10.0.0.1
client gets NOERROR
    answer web.example 5 A 10.0.0.1
