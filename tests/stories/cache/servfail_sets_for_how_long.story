# `servfail 1m` keeps failures for a minute.

serve .
    cache 3600 {
        servfail 1m
    }
    forward . @upstream

client asks sick.example A
upstream hears sick.example A
upstream answers SERVFAIL
client gets SERVFAIL
time passes 59s
client asks sick.example A
client gets SERVFAIL
upstream hears nothing
time passes 1s
client asks sick.example A
upstream hears sick.example A
upstream answers SERVFAIL
client gets SERVFAIL
