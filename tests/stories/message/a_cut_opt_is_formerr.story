# An OPT record that is cut off is FORMERR.

serve .
    forward . @upstream

client sends 0001 0100 0001 0000 0000 0001 03776562 076578616d706c65 00 0001 0001 00 0029 04d0 000000 00 0010 0003
client gets FORMERR
upstream hears nothing
