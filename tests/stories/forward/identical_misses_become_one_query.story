# Ten clients ask the same at once: upstream is asked once, all get the answer.

serve .
    cache 3600
    forward . @upstream

client asks web.example A 10 times
upstream hears web.example A
upstream hears nothing
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR 10 times
    answer web.example 60 A 10.0.0.1
upstream was asked exactly 1 times
