# Our own failure to reach anybody is kept as well: the next client does not wait again.

serve .
    cache 3600
    forward . @upstream

upstream is a black hole
client asks lost.example A with edns over tcp
client gets SERVFAIL within 2s with ede 22/23
client asks lost.example A with edns
client gets SERVFAIL with ede 22/23/13
upstream was asked at most 4 times
