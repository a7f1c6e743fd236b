#!/usr/bin/env bash
# The lesson's cluster: Kind by containerlab, Calico, the image of nodens, the pod dns-test. `--help` tells more.
set -euo pipefail
shopt -s inherit_errexit

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here cluster=k01 context=kind-k01
readonly kubeconfig=$here/k01.kubeconfig manifest=$here/nodelocal-dnscache/nodelocaldns.yaml
readonly poll_s=2 # between two looks at what no `kubectl wait` can wait for

image='' archive='' wait_s=600 says_yes=''
calico=https://raw.githubusercontent.com/projectcalico/calico/v3.30.3/manifests

usage() {
	cat <<-END
		usage: ./deploy.sh [--image NAME:TAG | --archive FILE] [--calico URL|DIR] [--wait SECONDS] [--yes]

		Makes the cluster of the lesson: three Kind nodes (k01-control-plane, k01-worker, k01-worker2), Calico, and a
		pod dns-test. The image of nodens is put on the nodes, but nothing of it is started: that is the lesson.
		Needs docker, containerlab, kind and kubectl, root or sudo, and the internet; some minutes.

		  --image NAME:TAG   an image that docker has here (default: the one that nodelocaldns.yaml names,
		                     which is built from deploy/Containerfile if docker does not have it)
		  --archive FILE     the same from a file, as \`docker save\` writes it
		  --calico URL|DIR   where operator-crds.yaml and tigera-operator.yaml are
		                     (default: $calico)
		  --wait SECONDS     how long each part may take to become ready (default: $wait_s)
		  --yes              do not ask before a cluster k01 that stands is made anew
		  --help             this text

		exit codes: 0 it stands; 1 it does not, and what is there stays for a look; 2 the command line, or a tool is missing
	END
}

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
stop() { # sentence [hint] [exit code]
	printf 'deploy.sh: %s\n' "$1" >&2
	[ -z "${2:-}" ] || printf 'hint: %s\n' "$2" >&2
	exit "${3:-1}"
}

# ------------ what is asked ------------

value_of() { # option, words left: an option's value must be there
	[ "$2" -ge 2 ] || stop "$1: has no value; expected one behind it" "./deploy.sh --help" 2
}
while [ $# -gt 0 ]; do
	case $1 in
	--image) value_of "$1" $#; image=$2; shift 2 ;;
	--archive) value_of "$1" $#; archive=$2; shift 2 ;;
	--calico) value_of "$1" $#; calico=${2%/}; shift 2 ;;
	--wait) value_of "$1" $#; wait_s=$2; shift 2 ;;
	--yes | -y) says_yes=yes; shift ;;
	--help | -h) usage; exit 0 ;;
	*) stop "$1: not an option; expected one of --image, --archive, --calico, --wait, --yes, --help" "" 2 ;;
	esac
done
[[ $wait_s =~ ^[1-9][0-9]{0,4}$ ]] || stop "--wait: \`$wait_s\` is not a time; expected whole seconds, such as 600" "" 2
[ -z "$image" ] || [ -z "$archive" ] || stop "--image, --archive: both were given; expected one of them" "" 2
[ -z "$archive" ] || [ -r "$archive" ] || stop "$archive: cannot be read; expected an archive of an image" "" 2

# ------------ what is needed, all of it before anything is done ------------

missing=''
need() { # program, where it comes from
	command -v "$1" >/dev/null && return
	printf 'deploy.sh: %s: is not on PATH\nhint: %s\n' "$1" "$2" >&2
	missing=yes
}
need docker "https://docs.docker.com/engine/install/, or your distribution's package docker.io"
need containerlab "https://containerlab.dev/install/"
need kind "https://kind.sigs.k8s.io/docs/user/quick-start/#installation"
need kubectl "https://kubernetes.io/docs/tasks/tools/"
as_root=()
if [ "$(id -u)" != 0 ]; then
	need sudo "run this as root where there is no sudo"
	as_root=(sudo)
fi
[ -z "$missing" ] || exit 2

"${as_root[@]}" docker info >/dev/null 2>&1 ||
	stop "docker: its daemon does not answer; expected one that runs" "systemctl start docker; \`docker info\` tells why" 2
if [ -z "$archive" ]; then
	named=${image:-$(sed -n 's/^[ -]*image: *"\{0,1\}\([^" ]*\).*/\1/p' "$manifest" | head -n 1)}
	is_here=''
	if "${as_root[@]}" docker image inspect "$named" >/dev/null 2>&1; then is_here=yes; fi
	[ -n "$is_here" ] || [ -z "$image" ] ||
		stop "--image: docker has no image \`$image\`" \
			"docker build -t $image -f deploy/Containerfile . (in the repository's root)" 2
fi

clusters=$("${as_root[@]}" kind get clusters 2>/dev/null) ||
	stop "kind: cannot tell which clusters there are" "\`kind get clusters\` tells why"
if grep -qx "$cluster" <<<"$clusters"; then
	if [ -z "$says_yes" ]; then
		[ -t 0 ] || stop "cluster $cluster: stands already, and nobody is there to be asked" "--yes makes it anew" 2
		read -rp "A cluster $cluster stands already. Remove it and make it anew? (yes/no) " answer
		[ "$answer" = yes ] || stop "left as it was"
	fi
	"$here/destroy.sh" --yes
fi

# ------------ the cluster ------------

# The lesson's own kubeconfig and context, always: whatever cluster your KUBECONFIG names is none of our business.
k01() { kubectl --kubeconfig "$kubeconfig" --context "$context" "$@"; }

show() { # what is there, for whoever has to find out why it is not enough
	{
		k01 get nodes -o wide || true
		k01 get pods -A -o wide || true
	} 2>&1 | sed 's/^/    /' >&2
}
too_late() { # what did not come
	show
	stop "$1: not within $wait_s s; the cluster stays for a look" "export KUBECONFIG=$kubeconfig; ./destroy.sh removes it"
}
wait_until() { # sentence, command...: look every few seconds, a bounded number of times
	local what=$1 left
	shift
	for ((left = wait_s / poll_s + 1; left > 0; left--)); do
		if "$@" >/dev/null 2>&1; then return; fi
		sleep "$poll_s"
	done
	too_late "$what"
}
wait_for() { # sentence, arguments of kubectl wait...
	k01 wait "${@:2}" --timeout "${wait_s}s" || too_late "$1"
}

step "1/6 three nodes: containerlab and Kind"
(cd "$here" && "${as_root[@]}" containerlab deploy -t k01.clab.yaml) ||
	stop "containerlab: could not make the cluster; its own words are above" "./destroy.sh removes what it left"

fresh=$(mktemp "$kubeconfig.XXXXXX") # its owner's alone: whoever reads this file is the cluster's admin
trap 'rm -f "$fresh"' EXIT
"${as_root[@]}" kind get kubeconfig --name "$cluster" >"$fresh" || stop "kind: gives no kubeconfig of $cluster"
[ -z "${SUDO_UID:-}" ] || chown "$SUDO_UID" "$fresh" # the learner's, who goes on without sudo
mv "$fresh" "$kubeconfig"
wait_until "the API server" k01 get --raw /readyz

step "2/6 Calico: the operator"
# --server-side: these definitions are longer than what `kubectl apply` can note on an object.
k01 apply --server-side -f "$calico/operator-crds.yaml" -f "$calico/tigera-operator.yaml" ||
	stop "Calico's operator: could not be applied from $calico" "--calico names a mirror or a folder"
wait_for "the definition of Calico's Installation" --for condition=Established crd/installations.operator.tigera.io
wait_for "Calico's operator" --for condition=Available deployment/tigera-operator -n tigera-operator

step "3/6 Calico: the network"
k01 apply -f "$here/calico-cni-config/custom-resources.yaml"
wait_until "Calico's own status" k01 get tigerastatus/calico
wait_for "Calico" --for condition=Available tigerastatus/calico
wait_for "the nodes" --for condition=Ready nodes --all
wait_for "cluster DNS" --for condition=Available deployment/coredns -n kube-system

step "4/6 the image of nodens"
if [ -n "$archive" ]; then
	"${as_root[@]}" kind load image-archive "$archive" --name "$cluster" || stop "kind: could not load $archive"
else
	if [ -z "$is_here" ]; then
		say "docker does not have $named: building it from deploy/Containerfile, some minutes"
		"${as_root[@]}" docker build -t "$named" -f "$here/../deploy/Containerfile" "$here/.." ||
			stop "docker: could not build $named" "--archive loads one that was built elsewhere"
	fi
	"${as_root[@]}" kind load docker-image "$named" --name "$cluster" || stop "kind: could not load $named"
fi

step "5/6 the pod that asks"
k01 apply -f "$here/tools/dns-test-pod.yaml"
wait_for "the pod dns-test" --for condition=Ready pod/dns-test

step "6/6 what stands"
k01 get nodes -o wide
k01 get pods -n kube-system -l k8s-app=kube-dns -o wide
k01 get pod dns-test -o wide
say
say "NodeLocal DNSCache is not there yet: installing it is the lesson. Begin with step 1 of README.md:"
say
say "    export KUBECONFIG=$kubeconfig"
