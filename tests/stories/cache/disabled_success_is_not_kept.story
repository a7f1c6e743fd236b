# `disable success`: answers pass through every time; denials are kept.

serve .
    cache 3600 {
        disable success
    }
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR
    answers 1
client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR
    answers 1
client asks nope.example A
upstream hears nope.example A
upstream answers NXDOMAIN
    authority example 60 SOA ns.example host.example 1 7200 1800 86400 60
client gets NXDOMAIN
client asks nope.example A
client gets NXDOMAIN
upstream hears nothing
