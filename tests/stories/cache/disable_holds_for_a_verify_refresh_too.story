# `disable success` is heeded on a refresh as on a miss: nothing is kept by the back door.

serve .
    cache 3600 {
        serve_stale 1h verify
        disable success
    }
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 10 A 10.0.0.1
client gets NOERROR
    answers 1
client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 10 A 10.0.0.1
client gets NOERROR
    answers 1
