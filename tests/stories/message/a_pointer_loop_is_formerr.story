# A name that points to itself is FORMERR, and ends.

serve .
    forward . @upstream

client sends 0001 0100 0001 0000 0000 0000 c00c 0001 0001
client gets FORMERR
upstream hears nothing
