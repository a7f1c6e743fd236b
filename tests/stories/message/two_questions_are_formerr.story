# A query with two questions is FORMERR (RFC 9619).

serve .
    forward . @upstream

client sends 0001 0100 0002 0000 0000 0000 03776562 076578616d706c65 00 0001 0001 03776562 076578616d706c65 00 001c 0001
client gets FORMERR
upstream hears nothing
