# The first upstream says nothing: the next one is asked in time for an answer within 2 s.

serve .
    cache 3600
    forward . @one @two {
        policy sequential
        max_fails 0
    }

client asks web.example A
one hears web.example A
one keeps silent
two hears web.example A within 2s
two answers NOERROR
    answer web.example 60 A 10.0.0.2
client gets NOERROR within 2s
    answer web.example 60 A 10.0.0.2
