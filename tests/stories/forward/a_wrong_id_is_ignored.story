# A datagram with another ID is a stranger's: it is passed over, the right answer still counts.

serve .
    cache 3600
    forward . @upstream

client asks web.example A
upstream hears web.example A over udp
upstream answers NOERROR first as wrong id
    answer web.example 60 A 6.6.6.6
client gets nothing
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR
    answer web.example 60 A 10.0.0.1
upstream was asked exactly 1 times
