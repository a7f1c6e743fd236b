# serve_stale verify: NXDOMAIN is an answer; the stale one is gone with it.

serve .
    cache 3600 {
        serve_stale 1h verify
    }
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 10 A 10.0.0.1
client gets NOERROR
    answer web.example 10 A 10.0.0.1
time passes 20s
client asks web.example A
upstream hears web.example A
upstream answers NXDOMAIN
    authority example 60 SOA ns.example host.example 1 7200 1800 86400 60
client gets NXDOMAIN
    authority example 60 SOA ns.example host.example 1 7200 1800 86400 60
client asks web.example A
client gets NXDOMAIN
    authority example 60 SOA ns.example host.example 1 7200 1800 86400 60
upstream hears nothing
