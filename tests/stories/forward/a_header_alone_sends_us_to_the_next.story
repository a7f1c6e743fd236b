# A SERVFAIL without a question (some servers under load) is a failure of that upstream, never FORMERR for the client.

serve .
    cache 3600
    forward . @one @two {
        policy sequential
        max_fails 0
    }

client asks web.example A
one hears web.example A
one answers SERVFAIL as header only
# it may be one that does not know EDNS: asked once more without
one hears web.example A without edns within 2s
one answers SERVFAIL as header only
two hears web.example A within 2s
two answers NOERROR
    answer web.example 60 A 10.0.0.2
client gets NOERROR within 2s
    answer web.example 60 A 10.0.0.2
