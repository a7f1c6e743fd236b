# A SERVFAIL for one name or type says nothing of the others.

serve .
    cache 3600
    forward . @upstream

client asks sick.example A
upstream hears sick.example A
upstream answers SERVFAIL
client gets SERVFAIL
client asks sick.example AAAA
upstream hears sick.example AAAA
upstream answers NOERROR
    answer sick.example 60 AAAA 2001:db8::1
client gets NOERROR
    answer sick.example 60 AAAA 2001:db8::1
