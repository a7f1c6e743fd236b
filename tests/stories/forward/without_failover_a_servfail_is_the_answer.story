# A SERVFAIL from an upstream is its answer, unless `failover` says otherwise.

serve .
    forward . @one @two {
        policy sequential
    }

client asks web.example A
one hears web.example A
one answers SERVFAIL
client gets SERVFAIL
two hears nothing
