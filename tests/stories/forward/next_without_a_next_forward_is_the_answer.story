# `next` on the last forward has nowhere to go: the response stands.

serve .
    forward . @one {
        next NXDOMAIN
    }

client asks web.example A
one hears web.example A
one answers NXDOMAIN
client gets NXDOMAIN
