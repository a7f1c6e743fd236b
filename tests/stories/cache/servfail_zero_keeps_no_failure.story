# `servfail 0`: every query goes to see whether upstream is well again.

serve .
    cache 3600 {
        servfail 0
    }
    forward . @upstream

client asks sick.example A
upstream hears sick.example A
upstream answers SERVFAIL
client gets SERVFAIL
client asks sick.example A
upstream hears sick.example A
upstream answers SERVFAIL
client gets SERVFAIL
