# Queries share a connection; upstream may answer the later one first.

serve .
    cache 3600
    forward . @upstream {
        force_tcp
    }

client asks slow.example A
client asks fast.example A
upstream hears slow.example A over tcp
upstream hears fast.example A over tcp
upstream answers NOERROR for fast.example
    answer fast.example 60 A 10.0.0.2
client gets NOERROR for fast.example
    answer fast.example 60 A 10.0.0.2
upstream answers NOERROR for slow.example
    answer slow.example 60 A 10.0.0.1
client gets NOERROR for slow.example
    answer slow.example 60 A 10.0.0.1
