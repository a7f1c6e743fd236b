# max_connect_attempts 1: one failed exchange, and that is it.

serve .
    forward . @one @two {
        policy sequential
        max_connect_attempts 1
        max_fails 0
    }

one is down
client asks web.example A
client gets SERVFAIL within 2s
two hears nothing
