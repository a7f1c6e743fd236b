# A client may ask for 4096 bytes; over UDP it gets 1232 at most, so that nothing is fragmented.

serve .
    cache 3600
    forward . @upstream {
        force_tcp
    }

client asks many.example A with edns 4096
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
    answer many.example 60 A 10.0.1.40
    answer many.example 60 A 10.0.1.41
    answer many.example 60 A 10.0.1.42
    answer many.example 60 A 10.0.1.43
    answer many.example 60 A 10.0.1.44
    answer many.example 60 A 10.0.1.45
    answer many.example 60 A 10.0.1.46
    answer many.example 60 A 10.0.1.47
    answer many.example 60 A 10.0.1.48
    answer many.example 60 A 10.0.1.49
    answer many.example 60 A 10.0.1.50
    answer many.example 60 A 10.0.1.51
    answer many.example 60 A 10.0.1.52
    answer many.example 60 A 10.0.1.53
    answer many.example 60 A 10.0.1.54
    answer many.example 60 A 10.0.1.55
    answer many.example 60 A 10.0.1.56
    answer many.example 60 A 10.0.1.57
    answer many.example 60 A 10.0.1.58
    answer many.example 60 A 10.0.1.59
    answer many.example 60 A 10.0.1.60
    answer many.example 60 A 10.0.1.61
    answer many.example 60 A 10.0.1.62
    answer many.example 60 A 10.0.1.63
    answer many.example 60 A 10.0.1.64
    answer many.example 60 A 10.0.1.65
    answer many.example 60 A 10.0.1.66
    answer many.example 60 A 10.0.1.67
    answer many.example 60 A 10.0.1.68
    answer many.example 60 A 10.0.1.69
    answer many.example 60 A 10.0.1.70
    answer many.example 60 A 10.0.1.71
    answer many.example 60 A 10.0.1.72
    answer many.example 60 A 10.0.1.73
    answer many.example 60 A 10.0.1.74
    answer many.example 60 A 10.0.1.75
    answer many.example 60 A 10.0.1.76
    answer many.example 60 A 10.0.1.77
    answer many.example 60 A 10.0.1.78
    answer many.example 60 A 10.0.1.79
    answer many.example 60 A 10.0.1.80
    answer many.example 60 A 10.0.1.81
    answer many.example 60 A 10.0.1.82
    answer many.example 60 A 10.0.1.83
    answer many.example 60 A 10.0.1.84
    answer many.example 60 A 10.0.1.85
    answer many.example 60 A 10.0.1.86
    answer many.example 60 A 10.0.1.87
    answer many.example 60 A 10.0.1.88
    answer many.example 60 A 10.0.1.89
    answer many.example 60 A 10.0.1.90
    answer many.example 60 A 10.0.1.91
    answer many.example 60 A 10.0.1.92
    answer many.example 60 A 10.0.1.93
    answer many.example 60 A 10.0.1.94
    answer many.example 60 A 10.0.1.95
    answer many.example 60 A 10.0.1.96
    answer many.example 60 A 10.0.1.97
    answer many.example 60 A 10.0.1.98
    answer many.example 60 A 10.0.1.99
client gets NOERROR with tc with size at most 1232
    answers 74
bob asks many.example A over tcp
bob gets NOERROR without tc
    answers 100
