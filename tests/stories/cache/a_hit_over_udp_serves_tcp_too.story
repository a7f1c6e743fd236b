# The cache does not care how a question came.

serve .
    cache 3600
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR
    answer web.example 60 A 10.0.0.1
bob asks web.example A over tcp
bob gets NOERROR
    answer web.example 60 A 10.0.0.1
upstream hears nothing
