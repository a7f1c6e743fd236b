# NXDOMAIN lives for the smaller of the SOA's TTL and its MINIMUM (RFC 2308, 5): here the TTL.

serve .
    cache 3600
    forward . @upstream

client asks nope.example A
upstream hears nope.example A
upstream answers NXDOMAIN
    authority example 20 SOA ns.example host.example 1 7200 1800 86400 900
client gets NXDOMAIN
    authority example 20 SOA ns.example host.example 1 7200 1800 86400 900
time passes 20s
client asks nope.example A
upstream hears nope.example A
upstream answers NXDOMAIN
    authority example 20 SOA ns.example host.example 1 7200 1800 86400 900
client gets NXDOMAIN
    authority example 20 SOA ns.example host.example 1 7200 1800 86400 900
