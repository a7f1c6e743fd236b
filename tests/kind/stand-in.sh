#!/bin/bash
# Stands in for docker, containerlab, kind, kubectl, id, sudo and sleep: writes down what was asked, answers by a table.
#
# It lies beside `table` and `asked`, under the name of each program it stands in for. A row of the table has, with tabs
# between them: a pattern of the whole call; a part of the lesson that must stand for the row to count; a part that it
# makes; a part that it removes (parts are files in world/; `-` is none); the exit code; what is said (on stderr if it
# fails), with \n in it. The first row that fits answers; where none does, all is well.
here=${0%/*} program=${0##*/}
call="$program${*:+ $*}"
printf '%s\n' "$call" >>"$here/asked"
[ "$program" != sudo ] || exec "$@"

while IFS=$'\t' read -r pattern standing makes removes code says; do
	[[ $call =~ $pattern ]] || continue
	[ "$standing" = - ] || [ -e "$here/world/$standing" ] || continue
	[ "$makes" = - ] || : >"$here/world/$makes"
	[ "$removes" = - ] || rm -f "$here/world/$removes"
	if [ "$code" = 0 ]; then printf '%b' "$says"; else printf '%b' "$says" >&2; fi
	exit "$code"
done <"$here/table"
