# A CNAME that was asked for is the answer itself.

serve .
    cache 3600
    forward . @upstream

client asks www.example CNAME
upstream hears www.example CNAME
upstream answers NOERROR
    answer www.example 300 CNAME web.example
client gets NOERROR
    answer www.example 300 CNAME web.example
client asks www.example CNAME
client gets NOERROR
    answer www.example 300 CNAME web.example
upstream hears nothing
