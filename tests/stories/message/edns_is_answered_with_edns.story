# A query with OPT gets a reply with OPT; one without gets none.

serve .
    cache 3600
    forward . @upstream

client asks web.example A with edns
upstream hears web.example A
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR with edns 1232
    answer web.example 60 A 10.0.0.1
client asks web.example A
client gets NOERROR without edns
    answer web.example 60 A 10.0.0.1
client asks web.example A with edns
client gets NOERROR with edns 1232
    answer web.example 60 A 10.0.0.1
