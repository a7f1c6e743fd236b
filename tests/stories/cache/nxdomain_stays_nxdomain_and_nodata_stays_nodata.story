# A cached denial keeps its kind.

serve .
    cache 3600
    forward . @upstream

client asks nope.example A
upstream hears nope.example A
upstream answers NXDOMAIN
    authority example 3600 SOA ns.example host.example 1 7200 1800 86400 300
client gets NXDOMAIN
client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    authority example 3600 SOA ns.example host.example 1 7200 1800 86400 300
client gets NOERROR
client asks nope.example A
client gets NXDOMAIN
client asks web.example A
client gets NOERROR
upstream hears nothing
