"""Steps 3 to 7: the manifest, its variables, and what it tells the cache."""

from __future__ import annotations

from typing import Final

from nodens.lab.lesson.chapters.words import AGENT_LABEL, KUBECTL_VARIABLES, MANIFEST, STEERING_SED, VARIABLES
from nodens.lab.lesson.looks import counts, has, is_text, lacks
from nodens.lab.lesson.model import Command, State, Step

_SED = (
    'sed -i "s/__PILLAR__LOCAL__DNS__/$localdns/g; s/__PILLAR__DNS__DOMAIN__/$domain/g; '
    f's/__PILLAR__DNS__SERVER__/$kubedns/g" {MANIFEST}'
)
TAKE: Final = f"nodens manifests --template > {MANIFEST}"
FILL: Final = (f"{VARIABLES}\n{_SED}", STEERING_SED)
_ECHO = 'echo "kubedns=$kubedns domain=$domain localdns=$localdns"'
# The ConfigMap's Corefile, out of the manifest: what stands between its key and the next object, less the indentation.
_COREFILE = f"sed -n '/^  Corefile: |/,/^---/{{s/^    //p}}' {MANIFEST}"


def steps() -> tuple[Step, ...]:
    """Give them."""
    return (
        Step(
            number=3,
            title="take the manifest",
            shows="The manifest has the objects, names and labels of the original, so that it can replace it in "
            "place.\n"
            "Words that begin with __PILLAR__ stand for what differs from cluster to cluster.",
            needs=State.UP,
            commands=(
                Command(here=TAKE, kind=f"cp nodelocal-dnscache/{MANIFEST} ."),
                Command(here=f"grep '^kind:' {MANIFEST}"),
            ),
            checks=(
                is_text(
                    "kind: ServiceAccount\nkind: Service\nkind: ConfigMap\nkind: DaemonSet\nkind: Service\n",
                    "five objects: ServiceAccount, Service, ConfigMap, DaemonSet, and a headless Service for metrics",
                    of=1,
                ),
            ),
        ),
        Step(
            number=4,
            title="the variables",
            shows="Three values are put in by hand: the node's own address, the cluster's domain, the address of "
            "kube-dns.\n"
            "Two more, CLUSTER and UPSTREAM, are put in by the pod when it starts.",
            needs=State.COPIED,
            commands=(
                Command(here=f"{VARIABLES}\n{_ECHO}", kind=f"{KUBECTL_VARIABLES}\n{_ECHO}"),
                Command(here=f"grep -v '^#' {MANIFEST} | grep -o '__PILLAR__[A-Z_]*__' | sort | uniq -c"),
            ),
            checks=(
                is_text(
                    "kubedns=10.96.0.10 domain=cluster.local localdns=169.254.20.10\n",
                    "the three values, as they are here",
                ),
                has(r"__PILLAR__(LOCAL__DNS|DNS__DOMAIN|DNS__SERVER)__$", "three words that we replace", of=1, times=3),
                has(r"__PILLAR__(CLUSTER__DNS|UPSTREAM__SERVERS)__$", "two that the pod replaces", of=1, times=2),
            ),
            note="The pod finds CLUSTER in its environment (KUBE_DNS_UPSTREAM_SERVICE_HOST), UPSTREAM in its "
            "/etc/resolv.conf.",
        ),
        Step(
            number=5,
            title="iptables mode",
            shows="One `sed` puts the three values in. In iptables mode the cache listens on both addresses: its "
            "own, and\n"
            "that of kube-dns - so that pods need not change.",
            needs=State.COPIED,
            commands=(
                Command(here=FILL[0], kind=f"{KUBECTL_VARIABLES}\n{_SED}"),
                Command(here=FILL[1], kind=STEERING_SED),
                Command(here=f"grep -A1 -E 'localip|steering' {MANIFEST}; grep ' bind ' {MANIFEST}"),
            ),
            checks=(
                has(r"169\.254\.20\.10,10\.96\.0\.10\"?$", "both addresses after -localip", of=2),
                counts(r"^ +bind 169\.254\.20\.10 10\.96\.0\.10$", 4, "both in every `bind`: four server blocks", of=2),
                counts(r"\"-steering=iptables\"$", 1, "the flag -steering=iptables, once", of=2),
            ),
            note="Left to itself nodens takes the safest way that the kernel has, an nft table of its own, which "
            "`iptables -S` does not show. The second `sed` has it write through iptables as the original does, so "
            "that steps 14 "
            "and 17 can be seen. Steps 26 and 27 take what it would choose by itself.",
        ),
        Step(
            number=6,
            title="read the cache settings",
            shows="What the cache keeps: cluster names up to 30 s, their denials 5 s; other zones 30 s.\n"
            "Up to 9984 answers and 9984 denials in each block.",
            needs=State.FILLED,
            commands=(Command(here=rf"grep -E '^ +\S+:53 \{{|^ +(cache|success|denial) ' {MANIFEST}"),),
            checks=(
                has(
                    r"^ +cluster\.local:53 \{\n +cache \{\n +success 9984 30\n +denial 9984 5",
                    "cluster.local: success 9984 30, denial 9984 5",
                ),
                counts(r"^ +cache 30$", 3, "in-addr.arpa, ip6.arpa and `.`: cache 30"),
            ),
            note="A denial is kept shorter because it is what changes: a Service that is created now must be found "
            "soon, whoever "
            "asked for it too early. Memory: about 216 bytes an answer, so 20,000 entries are 4 MB a block.",
        ),
        Step(
            number=7,
            title="read the forwarding",
            shows="What is not in the cache: cluster names and reverse zones are asked of kube-dns-upstream, over "
            "TCP;\n"
            "all other names of the resolvers in the node's /etc/resolv.conf.",
            needs=State.FILLED,
            commands=(
                Command(
                    here=f"{_COREFILE} > Corefile.base\n"
                    "nodens show corefile Corefile.base --localip 169.254.20.10,10.96.0.10 --cluster-dns 10.96.73.18 "
                    "| grep -E ':53|forward|force_tcp'",
                    kind=f"grep -E '^ .*(:53 \\{{|forward|force_tcp)' {MANIFEST}    # after step 8, filled in:\n"
                    f"# kubectl logs -n kube-system -l {AGENT_LABEL} --tail=-1 | grep -A60 'Using config file:'",
                ),
            ),
            checks=(
                has(
                    r"^(cluster\.local|in-addr\.arpa|ip6\.arpa):53 \{\n +forward \. 10\.96\.73\.18 \{\n +force_tcp",
                    "cluster.local, in-addr.arpa, ip6.arpa: to kube-dns-upstream, force_tcp",
                    times=3,
                ),
                has(r"^\.:53 \{\n +forward \. /etc/resolv\.conf", "`.`: to /etc/resolv.conf"),
                lacks("__PILLAR__", "no word is left to be replaced"),
            ),
            note="kube-dns-upstream is a second Service for the same two pods: 10.96.0.10 itself is taken by the "
            "cache now, and "
            "would lead back to it. TCP is asked for because a lost packet costs a TCP connection a fifth of a "
            "second, and a "
            "UDP client five seconds. The same text is in the pod's log, after `Using config file:` (step 10).",
        ),
    )
