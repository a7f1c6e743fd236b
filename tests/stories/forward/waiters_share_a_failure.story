# All who wait for one question get SERVFAIL when it fails; none of them starts it again.

serve .
    cache 3600
    forward . @upstream

client asks web.example A 5 times
upstream hears web.example A
upstream answers SERVFAIL
client gets SERVFAIL 5 times
upstream was asked exactly 1 times
