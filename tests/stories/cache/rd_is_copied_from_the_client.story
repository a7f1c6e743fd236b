# A hit copies RD from the query, set or not.

serve .
    cache 3600
    forward . @upstream

client asks web.example A
upstream hears web.example A with rd
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR with rd
    answer web.example 60 A 10.0.0.1
client asks web.example A without rd
client gets NOERROR without rd
    answer web.example 60 A 10.0.0.1
