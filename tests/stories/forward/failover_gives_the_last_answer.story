# When every upstream fails over, the last response is given, after one round (node-cache loops for 5 s).

serve .
    forward . @one @two {
        policy sequential
        failover SERVFAIL
    }

client asks web.example A with edns
one hears web.example A
one answers SERVFAIL
two hears web.example A
two answers SERVFAIL with edns with ede 9
client gets SERVFAIL with ede 9
one was asked exactly 1 times
two was asked exactly 1 times
