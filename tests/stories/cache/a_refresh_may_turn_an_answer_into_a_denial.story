# When upstream now denies the name, the denial is what the next client gets.

serve .
    cache 3600 {
        prefetch 1 1m 50%
    }
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 100 A 10.0.0.1
client gets NOERROR
    answer web.example 100 A 10.0.0.1
time passes 60s
client asks web.example A
client gets NOERROR
    answer web.example 40 A 10.0.0.1
upstream hears web.example A
upstream answers NXDOMAIN
    authority example 300 SOA ns.example host.example 1 7200 1800 86400 300
client asks web.example A
client gets NXDOMAIN
    authority example 300 SOA ns.example host.example 1 7200 1800 86400 300
