# The first upstream drops SYNs: the next one is asked in time (node-cache waits 30 s).

serve .
    cache 3600
    forward . @one @two {
        policy sequential
        force_tcp
        max_fails 0
    }

one is a black hole
client asks web.example A
two hears web.example A over tcp within 2s
two answers NOERROR
    answer web.example 60 A 10.0.0.2
client gets NOERROR within 2s
    answer web.example 60 A 10.0.0.2
