# Queries that differ in DO or CD are different questions upstream.

serve .
    cache 3600
    forward . @upstream

client asks web.example A
upstream hears web.example A without do without cd
client asks web.example A with do
upstream hears web.example A with do
client asks web.example A with cd
upstream hears web.example A with cd
upstream answers NOERROR 3 times
    answer web.example 60 A 10.0.0.1
client gets NOERROR 3 times
    answer web.example 60 A 10.0.0.1
