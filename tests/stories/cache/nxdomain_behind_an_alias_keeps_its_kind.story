# NXDOMAIN at the end of a chain, with its SOA: the client sees the chain and NXDOMAIN, for no longer than the denial lives.

serve .
    cache 3600
    forward . @upstream

client asks www.example A
upstream hears www.example A
upstream answers NXDOMAIN
    answer www.example 300 CNAME gone.example
    authority example 300 SOA ns.example host.example 1 7200 1800 86400 20
client gets NXDOMAIN
    answers 1
