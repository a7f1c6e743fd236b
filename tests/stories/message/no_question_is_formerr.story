# A query without a question is FORMERR.

serve .
    forward . @upstream

client sends 0001 0100 0000 0000 0000 0000
client gets FORMERR
upstream hears nothing
