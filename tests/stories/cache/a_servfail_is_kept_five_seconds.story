# A failure is remembered (RFC 9520): for 5 s by default.

serve .
    cache 3600
    forward . @upstream

client asks sick.example A
upstream hears sick.example A
upstream answers SERVFAIL
client gets SERVFAIL
time passes 4s
client asks sick.example A
client gets SERVFAIL
upstream hears nothing
time passes 1s
client asks sick.example A
upstream hears sick.example A
upstream answers NOERROR
    answer sick.example 60 A 10.0.0.1
client gets NOERROR
    answer sick.example 60 A 10.0.0.1
