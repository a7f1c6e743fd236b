# A SERVFAIL that a prefetch brings does not hide the answer that is still fresh.

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
upstream answers SERVFAIL
time passes 5s
client asks web.example A
client gets NOERROR
    answer web.example 35 A 10.0.0.1
# another hit, another try
upstream hears web.example A
upstream answers NOERROR
    answer web.example 100 A 10.0.0.2
client asks web.example A
client gets NOERROR
    answer web.example 100 A 10.0.0.2
