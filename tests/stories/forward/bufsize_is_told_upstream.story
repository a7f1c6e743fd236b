# `bufsize 1400` is what upstream hears.

serve .
    bufsize 1400
    forward . @upstream

client asks web.example A with edns 4096
upstream hears web.example A with edns 1400
upstream answers NXDOMAIN
client gets NXDOMAIN
