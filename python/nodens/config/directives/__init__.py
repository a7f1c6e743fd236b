"""The directive table: a row for every directive of CoreDNS, and who reads it."""
