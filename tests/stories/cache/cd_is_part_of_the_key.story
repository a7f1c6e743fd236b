# An answer that nobody validated (CD) is kept from those who wish validation.

serve .
    cache 3600
    forward . @upstream

client asks web.example A with cd
upstream hears web.example A with cd
upstream answers NOERROR with cd
    answer web.example 60 A 10.0.0.1
client gets NOERROR with cd
    answer web.example 60 A 10.0.0.1
client asks web.example A
upstream hears web.example A without cd
upstream answers NOERROR
    answer web.example 60 A 10.0.0.2
client gets NOERROR without cd
    answer web.example 60 A 10.0.0.2
client asks web.example A with cd
client gets NOERROR with cd
    answer web.example 60 A 10.0.0.1
upstream hears nothing
