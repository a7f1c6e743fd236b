# An upstream that answers is never probed.

serve .
    forward . @upstream

client asks a.example A
upstream hears a.example A
upstream answers SERVFAIL
client gets SERVFAIL
time passes 30s
upstream hears nothing
