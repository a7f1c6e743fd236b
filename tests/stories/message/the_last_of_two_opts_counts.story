# Two OPT records are one too many, but harmless: the last one counts, and one comes back.

serve .
    cache 3600
    forward . @upstream

# id 0001, RD, one question (web.example A), two additional records: OPT with size 512, OPT with size 1000.
client sends 0001010000010000000000020377656207 6578616d706c650000010001 0000290200000000000000 00002903e8000000000000
upstream hears web.example A
upstream answers NOERROR
    answer web.example 60 A 10.0.0.1
client gets NOERROR with edns
    answer web.example 60 A 10.0.0.1
