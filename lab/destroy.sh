#!/usr/bin/env bash
# Removes what deploy.sh made, and nothing else. `--help` tells more.
set -euo pipefail
shopt -s inherit_errexit

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here cluster=k01
# What containerlab and Kind write on the containers that are theirs.
readonly labels=(containerlab=k01 io.x-k8s.kind.cluster=k01)
readonly files=("$here/k01.kubeconfig" "$here/clab-k01")

usage() {
	cat <<-END
		usage: ./destroy.sh [--yes]

		Removes the cluster $cluster, its containers, and the files k01.kubeconfig and clab-k01. Talks to docker, containerlab
		and kind by the name $cluster alone, and to no Kubernetes API: no other cluster can be meant. May be run twice.

		  --yes    do not ask
		  --help   this text

		exit codes: 0 nothing is left; 1 something is; 2 the command line, or a tool is missing
	END
}

stop() { # sentence [hint] [exit code]
	printf 'destroy.sh: %s\n' "$1" >&2
	[ -z "${2:-}" ] || printf 'hint: %s\n' "$2" >&2
	exit "${3:-1}"
}

says_yes=''
for word; do
	case $word in
	--yes | -y) says_yes=yes ;;
	--help | -h) usage; exit 0 ;;
	*) stop "$word: not an option; expected --yes or --help" "" 2 ;;
	esac
done

missing=''
need() { # program, where it comes from
	command -v "$1" >/dev/null && return
	printf 'destroy.sh: %s: is not on PATH\nhint: %s\n' "$1" "$2" >&2
	missing=yes
}
need docker "https://docs.docker.com/engine/install/, or your distribution's package docker.io"
need containerlab "https://containerlab.dev/install/"
need kind "https://kind.sigs.k8s.io/docs/user/quick-start/#installation"
as_root=()
if [ "$(id -u)" != 0 ]; then
	need sudo "run this as root where there is no sudo"
	as_root=(sudo)
fi
[ -z "$missing" ] || exit 2
"${as_root[@]}" docker info >/dev/null 2>&1 ||
	stop "docker: its daemon does not answer; expected one that runs" "systemctl start docker; \`docker info\` tells why" 2

# ------------ what is there ------------

containers() { # ids, each once
	local label
	for label in "${labels[@]}"; do
		"${as_root[@]}" docker ps -aq --filter "label=$label"
	done | sort -u
}
has_cluster() { "${as_root[@]}" kind get clusters 2>/dev/null | grep -x "$cluster" >/dev/null; }
traces() { # a line for each thing that is ours
	local file ids
	if has_cluster; then printf 'Kind cluster %s\n' "$cluster"; fi
	ids=$(containers)
	# shellcheck disable=SC2086 # an id is one word
	[ -z "$ids" ] || printf 'container %s\n' $ids
	for file in "${files[@]}"; do
		[ ! -e "$file" ] || printf 'file %s\n' "$file"
	done
}

found=$(traces)
if [ -z "$found" ]; then
	printf 'nothing of the lesson stands here\n'
	exit 0
fi
printf 'to be removed:\n'
while IFS= read -r line; do printf '    %s\n' "$line"; done <<<"$found"
if [ -z "$says_yes" ]; then
	[ -t 0 ] || stop "nobody is there to be asked; nothing was removed" "--yes removes it" 2
	read -rp 'Remove it? (yes/no) ' answer
	[ "$answer" = yes ] || stop "left as it was"
fi

# ------------ away with it: each step is tried, whatever became of the one before ------------

(cd "$here" && "${as_root[@]}" containerlab destroy -t k01.clab.yaml --cleanup) ||
	printf 'destroy.sh: containerlab: could not; going on without it\n' >&2
if has_cluster; then "${as_root[@]}" kind delete cluster --name "$cluster" || true; fi
ids=$(containers)
# shellcheck disable=SC2086 # an id is one word
[ -z "$ids" ] || "${as_root[@]}" docker rm -f $ids >/dev/null || true
"${as_root[@]}" rm -rf "${files[@]}"

left=$(traces)
[ -z "$left" ] || stop "still there: ${left//$'\n'/, }" "docker ps -a tells more"
printf 'removed; nothing is left\n'
