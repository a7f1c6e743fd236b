# On a connection a wrong question means that the connection is no good.

serve .
    cache 3600
    forward . @one @two {
        policy sequential
        force_tcp
        max_fails 0
    }

client asks web.example A
one hears web.example A over tcp
one answers NOERROR as wrong name
    answer web.example 60 A 6.6.6.6
two hears web.example A over tcp within 2s
two answers NOERROR
    answer web.example 60 A 10.0.0.2
client gets NOERROR within 2s
    answer web.example 60 A 10.0.0.2
