# A hit on a resolver's answer has no AA (node-cache sets it on every hit).

serve .
    cache 3600
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR without aa
    answer web.example 60 A 10.0.0.1
client gets NOERROR without aa
    answer web.example 60 A 10.0.0.1
client asks web.example A
client gets NOERROR without aa
    answer web.example 60 A 10.0.0.1
