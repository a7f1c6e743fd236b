# Where upstream did not set AD, nobody sees it, whatever they ask.

serve .
    cache 3600
    forward . @upstream

client asks web.example A with ad
upstream hears web.example A
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR without ad
    answer web.example 60 A 10.0.0.1
client asks web.example A with ad
client gets NOERROR without ad
    answer web.example 60 A 10.0.0.1
