# A client that sets DO never gets the answer made for one that does not, nor the other way round.

serve .
    cache 3600
    forward . @upstream

client asks web.example A
upstream hears web.example A without do
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR without edns
    answer web.example 60 A 10.0.0.1
client asks web.example A with do
upstream hears web.example A with do
upstream answers NOERROR with do
    answer web.example 60 A 10.0.0.2
client gets NOERROR with do
    answer web.example 60 A 10.0.0.2
client asks web.example A with edns
client gets NOERROR with edns without do
    answer web.example 60 A 10.0.0.1
upstream hears nothing
