# `disable denial sub.example`: denials under that zone are not kept, others are.

serve .
    cache 3600 {
        disable denial sub.example
    }
    forward . @upstream

client asks nope.sub.example A
upstream hears nope.sub.example A
upstream answers NXDOMAIN
    authority example 60 SOA ns.example host.example 1 7200 1800 86400 60
client gets NXDOMAIN
client asks nope.sub.example A
upstream hears nope.sub.example A
upstream answers NXDOMAIN
    authority example 60 SOA ns.example host.example 1 7200 1800 86400 60
client gets NXDOMAIN
client asks nope.example A
upstream hears nope.example A
upstream answers NXDOMAIN
    authority example 60 SOA ns.example host.example 1 7200 1800 86400 60
client gets NXDOMAIN
client asks nope.example A
client gets NXDOMAIN
upstream hears nothing
