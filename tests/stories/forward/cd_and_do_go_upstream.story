# What the client asks of validation is asked of upstream.

serve .
    forward . @upstream

client asks web.example A with do with cd
upstream hears web.example A with do with cd with rd
upstream answers NOERROR with ad with do
    answer web.example 60 A 10.0.0.1
client gets NOERROR with do with cd
    answer web.example 60 A 10.0.0.1
