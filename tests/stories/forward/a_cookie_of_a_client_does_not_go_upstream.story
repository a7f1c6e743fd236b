# A cookie is between a client and us (RFC 7873): upstream does not see it.

serve .
    forward . @upstream

client asks web.example A with option 10 0102030405060708
upstream hears web.example A without option 10
upstream answers NXDOMAIN
client gets NXDOMAIN
