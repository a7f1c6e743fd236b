# An SRV answer keeps its additional addresses, with the same lifetime.

serve .
    cache 3600
    forward . @upstream

client asks _http._tcp.web.example SRV
upstream hears _http._tcp.web.example SRV
upstream answers NOERROR with aa
    answer _http._tcp.web.example 30 SRV 0 100 80 web.example
    additional web.example 30 A 10.0.0.1
client gets NOERROR
    answer _http._tcp.web.example 30 SRV 0 100 80 web.example
    additional web.example 30 A 10.0.0.1
client asks _http._tcp.web.example SRV
client gets NOERROR
    answer _http._tcp.web.example 30 SRV 0 100 80 web.example
    additional web.example 30 A 10.0.0.1
upstream hears nothing
