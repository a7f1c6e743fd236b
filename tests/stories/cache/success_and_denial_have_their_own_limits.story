# `success` and `denial` clamp apart: 60..10 for the one, 20..15 for the other.

serve .
    cache {
        success 2000 60 10
        denial 2000 20 15
    }
    forward . @upstream

client asks long.example A
upstream hears long.example A
upstream answers NOERROR
    answer long.example 300 A 10.0.0.1
client gets NOERROR
    answer long.example 60 A 10.0.0.1
client asks short.example A
upstream hears short.example A
upstream answers NOERROR
    answer short.example 2 A 10.0.0.1
client gets NOERROR
    answer short.example 10 A 10.0.0.1
client asks none.example A
upstream hears none.example A
upstream answers NXDOMAIN
    authority example 300 SOA ns.example host.example 1 7200 1800 86400 300
client gets NXDOMAIN
    authority example 20 SOA ns.example host.example 1 7200 1800 86400 300
client asks brief.example A
upstream hears brief.example A
upstream answers NXDOMAIN
    authority example 300 SOA ns.example host.example 1 7200 1800 86400 1
client gets NXDOMAIN
    authority example 15 SOA ns.example host.example 1 7200 1800 86400 1
