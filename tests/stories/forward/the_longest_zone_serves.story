# The block with the longest matching zone serves, whatever the order and the case.

serve .
    forward . @one
serve shop.EXAMPLE
    forward . @two

client asks web.Shop.example A
two hears web.shop.example A
two answers NXDOMAIN
client gets NXDOMAIN
client asks web.example A
one hears web.example A
one answers NXDOMAIN
client gets NXDOMAIN
