# Repeated names cost two bytes each, over UDP and TCP, though upstream wrote them in full.

serve .
    cache 3600
    forward . @upstream

client asks many.example A over tcp
upstream hears many.example A over tcp
upstream answers NOERROR as uncompressed
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
client gets NOERROR with size at most 190
    answers 10
bob asks many.example A
bob gets NOERROR with size at most 190
    answers 10
