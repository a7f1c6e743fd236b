# NXDOMAIN lives for the smaller of the SOA's TTL and its MINIMUM (RFC 2308, 5): here MINIMUM.

serve .
    cache 3600
    forward . @upstream

client asks nope.example A
upstream hears nope.example A
upstream answers NXDOMAIN
    authority example 3600 SOA ns.example host.example 1 7200 1800 86400 30
client gets NXDOMAIN
    authority example 30 SOA ns.example host.example 1 7200 1800 86400 30
time passes 29s
client asks nope.example A
client gets NXDOMAIN
    authority example 1 SOA ns.example host.example 1 7200 1800 86400 30
time passes 1s
client asks nope.example A
upstream hears nope.example A
upstream answers NXDOMAIN
    authority example 3600 SOA ns.example host.example 1 7200 1800 86400 30
client gets NXDOMAIN
    authority example 30 SOA ns.example host.example 1 7200 1800 86400 30
