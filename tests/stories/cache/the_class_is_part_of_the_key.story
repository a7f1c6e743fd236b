# A question of another class never gets the answer of IN (node-cache gives it).

serve .
    cache 3600
    forward . @upstream

client asks version.example TXT
upstream hears version.example TXT IN
upstream answers NOERROR
    answer version.example 60 TXT "in"
client gets NOERROR
    answer version.example 60 TXT "in"
client asks version.example TXT CH
upstream hears version.example TXT CH
upstream answers NOERROR
    answer version.example 60 CH TXT "chaos"
client gets NOERROR
    answer version.example 60 CH TXT "chaos"
client asks version.example TXT
client gets NOERROR
    answer version.example 60 TXT "in"
client asks version.example TXT CH
client gets NOERROR
    answer version.example 60 CH TXT "chaos"
upstream hears nothing
