# A cache holds no zone: AXFR and IXFR are NOTIMP with "not supported" (21), and no upstream is bothered.

serve .
    cache 3600
    forward . @upstream

client asks example AXFR over tcp with edns 1232
client gets NOTIMP with ede 21
client asks example IXFR with edns 1232
client gets NOTIMP with ede 21
upstream hears nothing
