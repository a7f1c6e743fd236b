# prefetch counts hits without a pause: after a longer pause than its window the count begins again.

serve .
    cache 3600 {
        prefetch 2 10s 50%
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
upstream hears nothing
time passes 20s
client asks web.example A
client gets NOERROR
    answer web.example 20 A 10.0.0.1
upstream hears nothing
time passes 5s
client asks web.example A
client gets NOERROR
    answer web.example 15 A 10.0.0.1
upstream hears web.example A
upstream answers NOERROR
    answer web.example 100 A 10.0.0.2
