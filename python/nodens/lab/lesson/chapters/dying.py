"""Steps 26 and 27, ours: the cache is killed, and replaced, while a pod asks a thousand times a second."""

from __future__ import annotations

from nodens.lab.lesson.chapters.words import MANIFEST, NODE, kubectl
from nodens.lab.lesson.looks import has, number, of_number
from nodens.lab.lesson.model import Check, Command, Output, State, Step

_GAP_LIMIT_MS = 500  # a tenth of a second is usual; machines that do other work take longer to bury a process
_HELD_S = 2.0
# On the pod's node alone, to be quick.
_ONE_NODE = f"s|kubernetes.io/os: linux|kubernetes.io/hostname: {NODE}|"
_BEST = f"sed '/-steering=iptables/d; {_ONE_NODE}' nodelocaldns.yaml > best.yaml"
_STAYS = rf"""sed 's/^\( *\)- "-steering=iptables"$/&\n\1- "-skipteardown"/; /-takeover/d
  s/maxSurge: 1/maxSurge: 0/; s/maxUnavailable: 0/maxUnavailable: 1/; {_ONE_NODE}' nodelocaldns.yaml > stays.yaml"""
_STATUS = "rollout status daemonset/node-local-dns -n kube-system"
_LOGS = f"logs -n kube-system -l k8s-app=node-local-dns --node {NODE}"


def _replace(old: str, new: str) -> Command:
    """Take one deployment away, put another in its place, wait; what rules were left is released in between."""
    away, release = f"nodens lab delete -f {old} | grep daemonset", f"nodens lab shell {NODE} -- nodens release"
    anew = f"nodens lab create -f {new} | grep daemonset\nnodens lab {_STATUS}"
    # A node of Kind has no nodens beside the pod's; the next agent takes up what was left.
    return Command(here=f"{away}\n{release}\n{anew}", kind=f"{away}\n{anew}".replace("nodens lab", "kubectl"))


def _load(command: str, kind: str) -> Command:
    """Ask a thousand times a second while something is done."""
    return Command(here=f"nodens lab load --rate 1000 '{command}'", kind=kind)


_KILL = _load(
    f"nodens lab kill {NODE} --hold {_HELD_S:g}; nodens lab {_STATUS}",
    f"docker exec {NODE} sh -c 'crictl stop --timeout 0 $(crictl ps -q --name node-cache)'",
)
_RESTART = _load(
    *(f"{command} rollout restart daemonset/node-local-dns -n kube-system" for command in ("nodens lab", "kubectl"))
)


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
            shows="The cache on the pod's node is killed while the pod asks 1,000 times a second, and for two "
            "seconds nothing\n"
            "starts it again. On nodens' best rung cluster DNS answers by itself; with rules that stay nobody does.",
            needs=State.INSTALLED,
            patience_s=60,
            commands=(
                Command(here=_BEST),
                _replace(MANIFEST, "best.yaml"),
                kubectl(f"{_LOGS} | grep steering:"),
                _KILL,
                Command(here=_STAYS),
                _replace("best.yaml", "stays.yaml"),
                kubectl(f"{_LOGS} | grep steering:"),
                _KILL,
                _replace("stays.yaml", MANIFEST),
            ),
            checks=(
                has(
                    r"steering: .*rung [1-4]:",
                    "left to itself, nodens takes rung 1 to 4: its rules go when it dies",
                    of=2,
                ),
                of_number(
                    f"killed there: no gap of more than {_GAP_LIMIT_MS} ms",
                    r"longest gap ([\d,]+) ms",
                    lambda gap: gap < _GAP_LIMIT_MS,
                    of=3,
                ),
                of_number("meanwhile cluster DNS answered", r"([\d,]+) by cluster DNS", lambda some: some > 0, of=3),
                has(
                    r"steering: .*rung 5: iptables rules that stay",
                    "the original's design: rung 5, rules that stay",
                    of=6,
                ),
                of_number(
                    f"killed there: a gap of {_HELD_S:g} s and more, until it is started again",
                    r"longest gap ([\d,]+) ms",
                    lambda gap: gap >= 950 * _HELD_S,
                    of=7,
                ),
                _lost(7, "and every query of that time is lost", int(900 * _HELD_S), 5000),
            ),
            note="The second deployment writes the original's own rules (-skipteardown), which match no set and "
            "belong to nobody: they "
            "go on pointing at a cache that is not there. `nodens release` takes such rules away.",
        ),
        Step(
            number=27,
            title="upgrade under load",
            shows="The pod is replaced while it is asked. With maxSurge 1 and -takeover the new one takes over "
            "sockets, rules and\n"
            "cache: nothing is lost. Stopped first and started then, with rules that stay, the node has no DNS in "
            "between.",
            needs=State.INSTALLED,
            patience_s=60,
            commands=(
                Command(here=_BEST),
                _replace(MANIFEST, "best.yaml"),
                _RESTART,
                kubectl(f"{_LOGS} | grep -E 'took over|cache entries'"),
                Command(here=_STAYS),
                _replace("best.yaml", "stays.yaml"),
                _RESTART,
                _replace("stays.yaml", MANIFEST),
            ),
            checks=(
                has(r"restarted$", "the pod was replaced", of=2),
                _lost(2, "taken over: 0 lost", 0, 0),
                of_number("and cluster DNS was not needed", r"([\d,]+) by cluster DNS", lambda some: some == 0, of=2),
                has(r"cache entries came", "what was known came with it", of=3),
                has(r"restarted$", "stopped, then started: the pod was replaced", of=6),
                _lost(6, "and what was asked in between is lost", 1, 5000),
            ),
        ),
    )
