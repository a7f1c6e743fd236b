# serve_stale verify: when a denied name comes to be, its old denial is not found any more.

serve .
    cache 3600 {
        serve_stale 1h verify
    }
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NXDOMAIN
    authority example 10 SOA ns.example host.example 1 7200 1800 86400 10
client gets NXDOMAIN
    authority example 10 SOA ns.example host.example 1 7200 1800 86400 10
time passes 20s
client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR
    answer web.example 60 A 10.0.0.1
client asks web.example A
client gets NOERROR
    answer web.example 60 A 10.0.0.1
upstream hears nothing
