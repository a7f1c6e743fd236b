# NODATA for AAAA leaves the A of that name to be asked.

serve .
    cache 3600
    forward . @upstream

client asks web.example AAAA
upstream hears web.example AAAA
upstream answers NOERROR
    authority example 3600 SOA ns.example host.example 1 7200 1800 86400 300
client gets NOERROR
    authority example 300 SOA ns.example host.example 1 7200 1800 86400 300
client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 30 A 10.0.0.1
client gets NOERROR
    answer web.example 30 A 10.0.0.1
client asks web.example AAAA
client gets NOERROR
    authority example 300 SOA ns.example host.example 1 7200 1800 86400 300
upstream hears nothing
