# The first upstream's port is closed: the next one is asked, at once.

serve .
    cache 3600
    forward . @one @two {
        policy sequential
        max_fails 0
    }

one is down
client asks web.example A
two hears web.example A
two answers NOERROR
    answer web.example 60 A 10.0.0.2
client gets NOERROR within 2s
    answer web.example 60 A 10.0.0.2
one was asked at most 2 times
