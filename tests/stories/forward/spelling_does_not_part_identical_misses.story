# Questions that differ in upper and lower case alone are one; each client sees its own spelling.

serve .
    cache 3600
    forward . @upstream

client asks web.example A
bob asks WEB.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR
    answer web.example 60 A 10.0.0.1
bob gets NOERROR
    answer web.example 60 A 10.0.0.1
upstream was asked exactly 1 times
