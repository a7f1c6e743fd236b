# Fewer than the 12 bytes of a header are no message.

serve .
    forward . @upstream

client sends 0001 0100 0001 0000 0000
client gets nothing
