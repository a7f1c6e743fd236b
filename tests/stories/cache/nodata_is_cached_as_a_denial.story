# NODATA is a denial of one type, bounded as denials are.

serve .
    cache {
        success 2000 3600
        denial 2000 10
    }
    forward . @upstream

client asks web.example AAAA
upstream hears web.example AAAA
upstream answers NOERROR
    authority example 3600 SOA ns.example host.example 1 7200 1800 86400 300
client gets NOERROR
    authority example 10 SOA ns.example host.example 1 7200 1800 86400 300
client asks web.example AAAA
client gets NOERROR
    authority example 10 SOA ns.example host.example 1 7200 1800 86400 300
upstream hears nothing
