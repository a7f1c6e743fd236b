# What upstream explains (EDE) reaches the client, from upstream and from the cache; a client without EDNS gets none.

serve .
    cache 3600
    forward . @upstream

client asks nope.example A with edns
upstream hears nope.example A
upstream answers NXDOMAIN with edns with ede 15
    authority example 300 SOA ns.example host.example 1 7200 1800 86400 300
client gets NXDOMAIN with ede 15
    authority example 300 SOA ns.example host.example 1 7200 1800 86400 300
client asks nope.example A with edns
client gets NXDOMAIN with ede 15
    authority example 300 SOA ns.example host.example 1 7200 1800 86400 300
client asks nope.example A
client gets NXDOMAIN without edns
    authority example 300 SOA ns.example host.example 1 7200 1800 86400 300
upstream hears nothing
