# EDNS version 1 is BADVERS, with an OPT of version 0 and our size.

serve .
    forward . @upstream

client asks web.example A with version 1
client gets BADVERS with edns 1232
upstream hears nothing
