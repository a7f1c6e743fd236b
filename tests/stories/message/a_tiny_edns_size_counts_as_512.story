# An EDNS size under 512 is taken as 512 (RFC 6891, 6.2.3).

serve .
    cache 3600
    forward . @upstream {
        force_tcp
    }

client asks many.example A with edns 100
upstream hears many.example A
upstream answers NOERROR
    answer many.example 60 A 10.0.1.0
    answer many.example 60 A 10.0.1.1
    answer many.example 60 A 10.0.1.2
    answer many.example 60 A 10.0.1.3
    answer many.example 60 A 10.0.1.4
    answer many.example 60 A 10.0.1.5
    answer many.example 60 A 10.0.1.6
    answer many.example 60 A 10.0.1.7
    answer many.example 60 A 10.0.1.8
    answer many.example 60 A 10.0.1.9
    answer many.example 60 A 10.0.1.10
    answer many.example 60 A 10.0.1.11
    answer many.example 60 A 10.0.1.12
    answer many.example 60 A 10.0.1.13
    answer many.example 60 A 10.0.1.14
    answer many.example 60 A 10.0.1.15
    answer many.example 60 A 10.0.1.16
    answer many.example 60 A 10.0.1.17
    answer many.example 60 A 10.0.1.18
    answer many.example 60 A 10.0.1.19
    answer many.example 60 A 10.0.1.20
    answer many.example 60 A 10.0.1.21
    answer many.example 60 A 10.0.1.22
    answer many.example 60 A 10.0.1.23
    answer many.example 60 A 10.0.1.24
    answer many.example 60 A 10.0.1.25
    answer many.example 60 A 10.0.1.26
    answer many.example 60 A 10.0.1.27
    answer many.example 60 A 10.0.1.28
    answer many.example 60 A 10.0.1.29
    answer many.example 60 A 10.0.1.30
    answer many.example 60 A 10.0.1.31
    answer many.example 60 A 10.0.1.32
    answer many.example 60 A 10.0.1.33
    answer many.example 60 A 10.0.1.34
    answer many.example 60 A 10.0.1.35
    answer many.example 60 A 10.0.1.36
    answer many.example 60 A 10.0.1.37
    answer many.example 60 A 10.0.1.38
    answer many.example 60 A 10.0.1.39
client gets NOERROR with tc with size at most 512
    answers 29
