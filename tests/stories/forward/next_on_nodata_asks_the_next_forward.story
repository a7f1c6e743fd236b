# `next_on_nodata`: NODATA makes the next `forward` be asked.

serve .
    forward . @one {
        next_on_nodata
    }
    forward . @two

client asks web.example AAAA
one hears web.example AAAA
one answers NOERROR
    authority example 60 SOA ns.example host.example 1 7200 1800 86400 60
two hears web.example AAAA
two answers NOERROR
    answer web.example 60 AAAA 2001:db8::2
client gets NOERROR
    answer web.example 60 AAAA 2001:db8::2
