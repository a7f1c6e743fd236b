# prefetch: asked often enough and in the last tenth of its lifetime, an entry is refreshed behind the answer; once.

serve .
    cache 3600 {
        prefetch 2 1m 10%
    }
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 100 A 10.0.0.1
client gets NOERROR
    answer web.example 100 A 10.0.0.1
time passes 85s
client asks web.example A
client gets NOERROR
    answer web.example 15 A 10.0.0.1
upstream hears nothing
time passes 6s
client asks web.example A
client gets NOERROR
    answer web.example 9 A 10.0.0.1
upstream hears web.example A
# in flight: a second hit starts no second refresh
client asks web.example A
client gets NOERROR
    answer web.example 9 A 10.0.0.1
upstream hears nothing
upstream answers NOERROR
    answer web.example 100 A 10.0.0.2
client asks web.example A
client gets NOERROR
    answer web.example 100 A 10.0.0.2
