# NOTIFY is nothing that a cache answers (node-cache answers it as if it were a query).

serve .
    forward . @upstream

client asks web.example SOA with opcode NOTIFY
client gets NOTIMP with opcode NOTIFY
upstream hears nothing
