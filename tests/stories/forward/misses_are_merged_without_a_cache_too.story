# Merging does not need the cache; queries that overlap become one.

serve .
    forward . @upstream

client asks web.example A 3 times
upstream hears web.example A
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR 3 times
    answer web.example 60 A 10.0.0.1
upstream was asked exactly 1 times
