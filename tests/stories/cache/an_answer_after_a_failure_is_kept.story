# The first answer after a remembered failure is cached as any other.

serve .
    cache 3600 {
        servfail 1s
    }
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers SERVFAIL
client gets SERVFAIL
time passes 1s
client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR
    answer web.example 60 A 10.0.0.1
client asks web.example A
client gets NOERROR
    answer web.example 60 A 10.0.0.1
upstream hears nothing
