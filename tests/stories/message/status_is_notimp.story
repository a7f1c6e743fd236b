# So is STATUS.

serve .
    forward . @upstream

client asks web.example A with opcode STATUS
client gets NOTIMP
upstream hears nothing
