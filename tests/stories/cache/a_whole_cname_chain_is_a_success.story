# A chain that ends in the type asked for is a success; the shortest record bounds it.

serve .
    cache 3600
    forward . @upstream

client asks www.example A
upstream hears www.example A
upstream answers NOERROR
    answer www.example 300 CNAME web.example
    answer web.example 40 A 10.0.0.1
client gets NOERROR
    answer www.example 40 CNAME web.example
    answer web.example 40 A 10.0.0.1
time passes 10s
client asks www.example A
client gets NOERROR
    answer www.example 30 CNAME web.example
    answer web.example 30 A 10.0.0.1
upstream hears nothing
