# A positive refresh takes the denial of the same question away.

serve .
    cache 3600 {
        prefetch 1 1m 50%
    }
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NXDOMAIN
    authority example 100 SOA ns.example host.example 1 7200 1800 86400 100
client gets NXDOMAIN
    authority example 100 SOA ns.example host.example 1 7200 1800 86400 100
time passes 60s
client asks web.example A
client gets NXDOMAIN
    authority example 40 SOA ns.example host.example 1 7200 1800 86400 100
upstream hears web.example A
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client asks web.example A
client gets NOERROR
    answer web.example 60 A 10.0.0.1
