# A message with QR set is not a query.

serve .
    forward . @upstream

client sends 0001 8180 0001 0000 0000 0000 03776562 076578616d706c65 00 0001 0001
client gets nothing
upstream hears nothing
