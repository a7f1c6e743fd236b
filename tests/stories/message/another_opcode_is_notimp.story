# An opcode that we do not serve is NOTIMP, opcode kept, and goes nowhere.

serve .
    forward . @upstream

client asks web.example A with opcode UPDATE
client gets NOTIMP with opcode UPDATE
upstream hears nothing
