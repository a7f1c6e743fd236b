"""Steps 22 to 25: the query log, put on and off again while pods ask."""

from __future__ import annotations

from typing import Final

from nodens.lab.lesson.chapters.words import AGENT_LABEL, MANIFEST, NODE, in_pod, kubectl
from nodens.lab.lesson.looks import counts, has, lacks, number
from nodens.lab.lesson.model import Check, Command, Output, State, Step

_LOG_SED = rf"sed 's/^\( *\)errors$/&\n\1log/' {MANIFEST} > with-log.yaml"
_APPLY = "nodens lab apply -f"
WITH_LOG: Final = (_LOG_SED, f"{_APPLY} with-log.yaml")
_LOGS = f"logs -n kube-system -l {AGENT_LABEL} --node {NODE}"
_QUERY = (
    r"^\[INFO\] 192\.168\.82\.65:\d+ - \d+ \"(A|AAAA) IN {name}\. udp \d+ false \d+\" NOERROR qr,\S*rd\S* \d+ \d\.\d+s$"
)


def _none_lost(place: int) -> Check:
    """Expect that a load came through whole."""

    def look(outputs: tuple[Output, ...]) -> bool:
        return (
            number(outputs[place].text, r"([\d,]+) lost") == 0
            and (number(outputs[place].text, r"^([\d,]+) queries") or 0) > 0
        )

    return Check(says="no query was lost", holds=look)


def _lines_of_pod() -> Command:
    """Give the log's lines of `dns-test`, by the address that it has."""
    asked = kubectl("get pod dns-test -o jsonpath={.status.podIP}")
    found = kubectl(f'{_LOGS} --tail 40 | grep -F "$podip:" | tail -8')
    return Command(
        here=f"podip=$({asked.here})\n{found.here}",
        kind=f"podip=$({asked.kind})\n{found.kind}",
    )


def steps() -> tuple[Step, ...]:
    """Give them."""
    return (
        Step(
            number=22,
            title="logging on",
            shows="`log` in a server block writes a line for each query. It goes into every block of the ConfigMap.",
            needs=State.INSTALLED,
            commands=(
                Command(here=WITH_LOG[0]),
                Command(here=WITH_LOG[1], kind="kubectl apply -f with-log.yaml"),
                kubectl("get configmap node-local-dns -n kube-system -o yaml | grep -E '^ +(errors|log)$'"),
            ),
            checks=(
                has(r"^configmap/node-local-dns configured$", "configmap/node-local-dns configured", of=1),
                counts(r" (created|configured)$", 1, "and nothing else is changed", of=1),
                counts(r"^ +errors\n +log$", 4, "`log` after `errors`, in four blocks", of=2),
            ),
        ),
        Step(
            number=23,
            title="take it up",
            shows="No restart is needed: the kubelet writes the changed ConfigMap into the pods, and the cache takes "
            "it up by\n"
            "itself. A restart works, too. Neither loses a query, and the cache keeps what it knows.",
            needs=State.LOGGING,
            commands=(
                Command(
                    here=f"nodens lab load --rate 500 '{_APPLY} {MANIFEST}; {_APPLY} with-log.yaml'",
                    kind="kubectl apply -f with-log.yaml    # and wait a minute: the kubelet's pace",
                ),
                Command(
                    here="nodens lab load --rate 500 'nodens lab rollout restart daemonset/node-local-dns -n "
                    "kube-system'",
                    kind="kubectl rollout restart daemonset/node-local-dns -n kube-system",
                ),
                kubectl(f"{_LOGS} | grep -E 'took over|cache entries came|Reloading complete' | tail -3"),
            ),
            checks=(
                has(r"^configmap/node-local-dns configured$", "the ConfigMap is changed twice under load", times=2),
                _none_lost(0),
                has(r"restarted$", "all pods are replaced under load", of=1),
                _none_lost(1),
            ),
            note="In Kubernetes a changed ConfigMap takes up to a minute to reach the pods; the lab writes it at "
            "once, in the "
            "same way: a new folder, and the symlink `..data` swapped onto it.",
        ),
        Step(
            number=24,
            title="read the log",
            shows="A line for each query: who asked, with which ID, what, over which protocol and how large, what "
            "came back\n"
            "with which flags, how large, and how long it took.",
            needs=State.LOGGING,
            commands=(
                in_pod("nslookup kubernetes.default"),
                in_pod("nslookup www.example.com"),
                _lines_of_pod(),
            ),
            checks=(
                has(
                    _QUERY.replace("{name}", r"kubernetes\.default\.svc\.cluster\.local"),
                    "a line for kubernetes.default.svc.cluster.local",
                    of=2,
                ),
                has(_QUERY.replace("{name}", r"www\.example\.com"), "a line for the outside name", of=2),
            ),
            note="[INFO] 192.168.82.65:54312        the pod's address and port\n"
            "- 42953                           the query's ID\n"
            '"A IN kubernetes.default.svc.cluster.local. udp 54 false 512"\n'
            "                                  type, class, name, protocol, size of the query, DO bit, UDP size it "
            "takes\n"
            "NOERROR qr,aa,rd 106              rcode, flags and size of the response\n"
            "0.000232824s                      time from its arrival to the response",
        ),
        Step(
            number=25,
            title="logging off",
            shows="The manifest without `log` is applied again; no query is logged from then on.\n"
            "In production it stays off: a line for each query is more work than the answer, and fills disks.",
            needs=State.LOGGING,
            commands=(
                kubectl(f"apply -f {MANIFEST}"),
                in_pod("nslookup -type=A only-now.default.svc.cluster.local; true"),
                kubectl(f"{_LOGS} | grep -c only-now; true"),
                kubectl("get configmap node-local-dns -n kube-system -o yaml | grep -E '^ +(errors|log)$'"),
            ),
            checks=(
                has(r"^configmap/node-local-dns configured$", "configmap/node-local-dns configured"),
                has(r"^0$", "a query that was asked after it is not in the log", of=2),
                lacks(r"^ +log$", "no `log` is left", of=3),
            ),
        ),
    )
