# A denial without SOA says nothing of its lifetime: passed on, not kept (RFC 2308, 5).

serve .
    cache 3600
    forward . @upstream

client asks nope.example A
upstream hears nope.example A
upstream answers NXDOMAIN
client gets NXDOMAIN
client asks nope.example A
upstream hears nope.example A
upstream answers NXDOMAIN
client gets NXDOMAIN
