# What no block serves is REFUSED, with RA.

serve shop.example
    forward . @upstream

client asks web.example A with edns
client gets REFUSED with edns with ra without aa
upstream hears nothing
