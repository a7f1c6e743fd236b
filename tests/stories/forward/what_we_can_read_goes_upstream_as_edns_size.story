# Upstream is told our own UDP size (1232), not the client's.

serve .
    forward . @upstream

client asks web.example A with edns 4096
upstream hears web.example A with edns 1232
upstream answers NXDOMAIN
client gets NXDOMAIN
