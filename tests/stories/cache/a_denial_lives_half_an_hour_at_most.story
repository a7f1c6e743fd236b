# Without options, denials live 1800 s at most and successes 3600 s.

serve .
    cache
    forward . @upstream

client asks nope.example A
upstream hears nope.example A
upstream answers NXDOMAIN
    authority example 86400 SOA ns.example host.example 1 7200 1800 86400 86400
client gets NXDOMAIN
    authority example 1800 SOA ns.example host.example 1 7200 1800 86400 86400
client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 86400 A 10.0.0.1
client gets NOERROR
    answer web.example 3600 A 10.0.0.1
