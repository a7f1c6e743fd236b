# A chain that ends without the type asked for, with an SOA, is NODATA: it lives as a denial.

serve .
    cache 3600
    forward . @upstream

client asks www.example AAAA
upstream hears www.example AAAA
upstream answers NOERROR
    answer www.example 3600 CNAME web.example
    authority example 3600 SOA ns.example host.example 1 7200 1800 86400 30
client gets NOERROR
    answer www.example 30 CNAME web.example
    authority example 30 SOA ns.example host.example 1 7200 1800 86400 30
client asks www.example AAAA
client gets NOERROR
    answer www.example 30 CNAME web.example
    authority example 30 SOA ns.example host.example 1 7200 1800 86400 30
time passes 30s
client asks www.example AAAA
upstream hears www.example AAAA
upstream answers NOERROR
    answer www.example 3600 CNAME web.example
    answer web.example 3600 AAAA 2001:db8::1
client gets NOERROR
    answer www.example 3600 CNAME web.example
    answer web.example 3600 AAAA 2001:db8::1
