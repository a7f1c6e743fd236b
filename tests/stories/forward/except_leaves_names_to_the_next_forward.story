# Names under `except` go to the next `forward`.

serve .
    forward . @one {
        except shop.example
    }
    forward . @two

client asks web.example A
one hears web.example A
one answers NXDOMAIN
client gets NXDOMAIN
client asks web.shop.example A
two hears web.shop.example A
two answers NXDOMAIN
client gets NXDOMAIN
client asks shop.example A
two hears shop.example A
two answers NXDOMAIN
client gets NXDOMAIN
client asks bigshop.example A
one hears bigshop.example A
one answers NXDOMAIN
client gets NXDOMAIN
