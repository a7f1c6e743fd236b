# Bytes after the last record change nothing.

serve .
    forward . @upstream

client sends 0001 0100 0001 0000 0000 0000 03776562 076578616d706c65 00 0001 0001 ffffffff
upstream hears web.example A
upstream answers NXDOMAIN
client gets NXDOMAIN
