# A bare CNAME is no answer to A and no denial: passed on, not kept.

serve .
    cache 3600
    forward . @upstream

client asks www.example A
upstream hears www.example A
upstream answers NOERROR
    answer www.example 300 CNAME web.example
client gets NOERROR
    answers 1
client asks www.example A
upstream hears www.example A
upstream answers NOERROR
    answer www.example 300 CNAME web.example
    answer web.example 300 A 10.0.0.1
client gets NOERROR
    answers 2
