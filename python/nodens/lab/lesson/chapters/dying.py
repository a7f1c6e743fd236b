"""Steps 26 and 27, ours: the cache is killed, and replaced, while a pod asks a thousand times a second."""

from __future__ import annotations

from nodens.lab.lesson.chapters.words import MANIFEST, NODE
from nodens.lab.lesson.looks import has, number, of_number
from nodens.lab.lesson.model import Check, Command, Output, State, Step

_GAP_LIMIT_MS = 500  # a tenth of a second is usual; machines that do other work take longer to bury a process
_HELD_S = 2.0
_BEST = "sed '/-steering=iptables/d' nodelocaldns.yaml > best.yaml"
_STAYS = (
    r"""sed 's/^\( *\)- "-steering=iptables"$/&\n\1- "-skipteardown"/; /-takeover/d' nodelocaldns.yaml > stays.yaml"""
)
_IN_PLACE = r"s/maxSurge: 1/maxSurge: 0/; s/maxUnavailable: 0/maxUnavailable: 1/"
_KILL = f"nodens lab load --rate 1000 --for 5 'nodens lab kill {NODE} --hold {_HELD_S}'"
_RESTART = "nodens lab load --rate 1000 --for 5 'nodens lab rollout restart ds/node-local-dns -n kube-system --node {node}'".replace(
    "{node}", NODE
)


def _apply(file: str) -> Command:
    """Put another way of steering in place of the one that runs."""
    return Command(here=f"nodens lab apply -f {file} | grep daemonset", kind=f"kubectl apply -f {file}")


def _lost(place: int, says: str, least: int, most: int) -> Check:
    """Expect a number of lost queries."""

    def look(outputs: tuple[Output, ...]) -> bool:
        found = number(outputs[place].text, r"([\d,]+) lost")
        return found is not None and least <= found <= most

    return Check(says=says, holds=look)


def steps() -> tuple[Step, ...]:
    """Give them."""
    return (
        Step(
            number=26,
            title="SIGKILL under load",
            shows="The cache on the pod's node is killed while the pod asks 1,000 times a second, and for two seconds nothing\n"
            "starts it again. nodens on its best rung: cluster DNS answers by itself. Rules that stay: no DNS until it is back.",
            needs=State.INSTALLED,
            patience_s=90,
            commands=(
                Command(here=_BEST, kind=_BEST),
                _apply("best.yaml"),
                Command(
                    here=f"nodens lab logs -n kube-system -l k8s-app=node-local-dns --node {NODE} | grep steering: | tail -1",
                    kind="kubectl logs -n kube-system -l k8s-app=node-local-dns | grep steering:",
                ),
                Command(here=_KILL, kind=f"docker exec {NODE} pkill -9 -f node-cache"),
                Command(here=_STAYS, kind=_STAYS),
                _apply("stays.yaml"),
                Command(here=_KILL, kind=f"docker exec {NODE} pkill -9 -f node-cache"),
                _apply(MANIFEST),
            ),
            checks=(
                has(
                    r"steering: .*rung [1-4]:",
                    "without a wish, nodens takes a rung of 1 to 4: its rules go when it dies",
                    of=2,
                ),
                of_number(
                    f"killed on that rung: the longest gap is under {_GAP_LIMIT_MS} ms",
                    r"longest gap ([\d,]+) ms",
                    lambda gap: gap < _GAP_LIMIT_MS,
                    of=3,
                ),
                has(r"[1-9][\d,]* by cluster DNS", "and cluster DNS answers meanwhile", of=3),
                of_number(
                    f"killed with rules that stay: an outage of {_HELD_S:g} s and more",
                    r"longest gap ([\d,]+) ms",
                    lambda gap: gap >= 1000 * _HELD_S * 0.9,
                    of=6,
                ),
                _lost(6, "and every query of that time is lost", 1500, 5000),
            ),
            note="`-skipteardown` with -steering=iptables writes the original's own rules, without the set that they match here: "
            "they stay when their process dies, and so does the interface.",
        ),
        Step(
            number=27,
            title="upgrade under load",
            shows="The pod is replaced while it is asked. With maxSurge 1 and -takeover the new one takes sockets, rules and cache\n"
            "over; nothing is lost. Stopped first and started then, with rules that stay, the node has no DNS in between.",
            needs=State.INSTALLED,
            patience_s=90,
            commands=(
                Command(here=_BEST, kind=_BEST),
                _apply("best.yaml"),
                Command(here=_RESTART, kind="kubectl rollout restart ds/node-local-dns -n kube-system"),
                Command(
                    here=f"nodens lab logs -n kube-system -l k8s-app=node-local-dns --node {NODE} | grep -E 'took over|cache entries'",
                    kind="kubectl logs -n kube-system -l k8s-app=node-local-dns | grep -E 'took over|cache entries'",
                ),
                Command(here=f"{_STAYS}\nsed -i '{_IN_PLACE}' stays.yaml", kind=_STAYS),
                _apply("stays.yaml"),
                Command(here=_RESTART, kind="kubectl rollout restart ds/node-local-dns -n kube-system"),
                _apply(MANIFEST),
            ),
            checks=(
                _lost(2, "taken over: 0 lost", 0, 0),
                has(r"0 by cluster DNS", "and the node's cache answered all of them", of=2),
                has(r"cache entries came", "the cache came with it", of=3),
                _lost(6, "stopped and started, rules that stay: queries are lost", 1, 5000),
            ),
        ),
    )
