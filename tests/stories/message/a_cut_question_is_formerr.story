# A question that ends in the middle of its name is FORMERR.

serve .
    forward . @upstream

client sends 0001 0100 0001 0000 0000 0000 03776562 07657861
client gets FORMERR
upstream hears nothing
