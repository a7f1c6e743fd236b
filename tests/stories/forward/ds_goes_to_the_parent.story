# DS at the top of a zone is the parent's to answer: of the zones that match, the shortest but the root.

serve example
    forward . @one
serve .
    forward . @three
serve shop.example
    forward . @two

client asks shop.example DS
one hears shop.example DS
one answers NXDOMAIN
client gets NXDOMAIN
client asks shop.example A
two hears shop.example A
two answers NXDOMAIN
client gets NXDOMAIN
