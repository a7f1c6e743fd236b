# `forward shop.example` takes names under it; the rest goes to the next.

serve .
    forward shop.example @one
    forward . @two

client asks web.shop.example A
one hears web.shop.example A
one answers NXDOMAIN
client gets NXDOMAIN
client asks web.example A
two hears web.example A
two answers NXDOMAIN
client gets NXDOMAIN
