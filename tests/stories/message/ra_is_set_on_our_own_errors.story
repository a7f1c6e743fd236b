# What we say ourselves carries RA: we do offer recursion.

serve .
    forward . @upstream {
        max_fails 0
    }

upstream is down
client asks web.example A
client gets SERVFAIL within 2s with ra with rd without aa
