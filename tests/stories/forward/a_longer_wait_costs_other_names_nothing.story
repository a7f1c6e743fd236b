# While one question waits for a silent upstream, others go by.

serve .
    cache 3600
    forward . @upstream {
        max_fails 0
    }

client asks slow.example A
upstream hears slow.example A
bob asks fast.example A
upstream hears fast.example A
upstream answers NOERROR for fast.example
    answer fast.example 60 A 10.0.0.2
bob gets NOERROR
    answer fast.example 60 A 10.0.0.2
upstream answers NOERROR for slow.example
    answer slow.example 60 A 10.0.0.1
client gets NOERROR
    answer slow.example 60 A 10.0.0.1
