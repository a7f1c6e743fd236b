# A bad message on a connection gets FORMERR; the next one on it is served.

serve .
    forward . @upstream

client sends 0001 0100 0001 0000 0000 0000 03776562 07657861 over tcp
client gets FORMERR
client asks web.example A over tcp
upstream hears web.example A
upstream answers NXDOMAIN
client gets NXDOMAIN
