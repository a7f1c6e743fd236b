# serve_stale holds for denials as for answers.

serve .
    cache 3600 {
        serve_stale 1h immediate
    }
    forward . @upstream

client asks nope.example A
upstream hears nope.example A
upstream answers NXDOMAIN
    authority example 10 SOA ns.example host.example 1 7200 1800 86400 10
client gets NXDOMAIN
    authority example 10 SOA ns.example host.example 1 7200 1800 86400 10
time passes 20s
client asks nope.example A
client gets NXDOMAIN
    authority example 0 SOA ns.example host.example 1 7200 1800 86400 10
upstream hears nope.example A
upstream answers NXDOMAIN
    authority example 10 SOA ns.example host.example 1 7200 1800 86400 10
