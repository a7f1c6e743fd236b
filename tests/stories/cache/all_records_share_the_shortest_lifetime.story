# The lifetime of a response is that of its shortest record, in whatever section; all TTLs say it.

serve .
    cache 3600
    forward . @upstream

client asks web.example A
upstream hears web.example A
upstream answers NOERROR
    answer web.example 100 A 10.0.0.1
    answer web.example 200 A 10.0.0.2
    authority example 300 NS ns.example
    additional ns.example 50 A 10.0.0.9
client gets NOERROR
    answer web.example 50 A 10.0.0.1
    answer web.example 50 A 10.0.0.2
    authority example 50 NS ns.example
    additional ns.example 50 A 10.0.0.9
client asks web.example A
client gets NOERROR
    answer web.example 50 A 10.0.0.1
    answer web.example 50 A 10.0.0.2
    authority example 50 NS ns.example
    additional ns.example 50 A 10.0.0.9
