"""The state of the pod's node at one moment: what steering and kube-proxy made of it, and a small measurement."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from nodens.lab.lesson import loads
from nodens.lab.lesson.asking import AskOrder
from nodens.lab.lesson.chapters.words import NAME, NODE, SERVER
from nodens.lab.world import DNS_TEST, ProxyMode, World

QUERIES: Final = 200
_ADDRESSES: Final = ("169.254.20.10", "10.96.0.10")

Part = tuple[str, tuple[str, ...]]  # a title, and lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What was seen, part by part, ready to be laid side by side."""

    parts: tuple[Part, ...]


def take(world: World) -> Snapshot:
    """Look, and ask two hundred times."""
    rules = (
        ("the pod's /etc/resolv.conf", _lines(world, DNS_TEST, "cat", "/etc/resolv.conf")),
        ("link nodelocaldns", _link(world)),
        ("ip route get 10.96.0.10", _lines(world, NODE, "ip", "route", "get", SERVER)[:1]),
        ("raw: NOTRACK", _rules(world, "raw")),
        ("filter INPUT: ACCEPT", _rules(world, "filter")),
        ("kube-proxy's rules for kube-dns:dns", _translation(world)),
        ("nft tables", _tables(world)),
    )
    return Snapshot(parts=(*rules, _measured(world)))


def write(snapshot: Snapshot, path: Path) -> None:
    """Keep it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(snapshot)), encoding="utf-8")


def read(path: Path) -> Snapshot | None:
    """Read it; None if none was kept."""
    if not path.exists():
        return None
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Snapshot(parts=tuple((title, tuple(lines)) for title, lines in told["parts"]))


def beside(before: Snapshot, after: Snapshot, width: int, mark: Callable[[str], str] = str) -> str:
    """Lay two side by side; `mark` makes what differs stand out."""
    half = max(30, (width - 3) // 2)
    lines = [f"{'before':{half}} | after", "-" * half + "-+-" + "-" * half]
    for (title, one), (_, two) in zip(before.parts, after.parts, strict=True):
        lines.append(f"== {title}{'' if one != two else ' (the same)'}")
        left, right = (_wrapped(each or ("(nothing)",), half) for each in (one, two))
        for place in range(max(len(left), len(right))):
            first = left[place] if place < len(left) else ""
            then = right[place] if place < len(right) else ""
            row = f"{first:{half}} | {then}".rstrip()
            lines.append(mark(row) if one != two else row)
    return "\n".join(lines) + "\n"


def _wrapped(lines: tuple[str, ...], width: int) -> list[str]:
    """Break long lines; what follows is moved in."""
    found: list[str] = []
    for line in lines:
        rest, head = line, ""
        while len(head) + len(rest) > width:
            room = width - len(head)
            at = rest.rfind(" ", 1, room + 1)
            at = at if at > 0 else room
            found.append(head + rest[:at])
            rest, head = rest[at:].lstrip(), "  "
        found.append(head + rest)
    return found


def _lines(world: World, room: str, *words: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in world.run(room, *words, check=False).stdout.splitlines() if line.strip())


def _link(world: World) -> tuple[str, ...]:
    lines = _lines(world, NODE, "ip", "-o", "addr", "show", "nodelocaldns")
    head = _lines(world, NODE, "ip", "-o", "link", "show", "nodelocaldns")
    return (
        *(line.partition(": ")[2].partition(" group")[0] for line in head),
        *(" ".join(line.split()[2:4]) for line in lines),
    )


def _rules(world: World, table: str) -> tuple[str, ...]:
    """Give the rules for queries to our addresses, less their comments."""
    lines = _lines(world, NODE, "iptables", "-t", table, "-S")
    return tuple(
        line.partition(" -m comment")[0] + " -j " + line.rpartition(" -j ")[2]
        for line in lines
        if any(f"-d {address}/32" in line for address in _ADDRESSES)
        and "--dport 53 " in line
        and line.startswith(("-A PREROUTING", "-A INPUT"))
    )


def _translation(world: World) -> tuple[str, ...]:
    if world.mode is ProxyMode.NFTABLES:
        lines = _lines(world, NODE, "nft", "list", "map", "ip", "kube-proxy", "service-ips")
        return tuple(line.strip(" ,{}") for line in lines if "10.96.0.10 . udp" in line)
    lines = _lines(world, NODE, "iptables", "-t", "nat", "-S", "KUBE-SERVICES")
    return tuple(line for line in lines if "kube-dns:dns cluster IP" in line)


def _tables(world: World) -> tuple[str, ...]:
    """Name the tables, less those that iptables keeps."""
    lines = _lines(world, NODE, "nft", "list", "tables")
    return tuple(line for line in lines if line.split()[-1] not in {"raw", "nat", "filter", "mangle"})


def _measured(world: World) -> Part:
    """Ask, and say what came of it."""
    order = AskOrder(server=SERVER, names=(NAME,), rate=200, count=QUERIES)
    outcome = loads.ask(world, order)
    return (
        f"{QUERIES} queries of {NAME}, each side in its own minute",
        (
            f"median {outcome.quantile_ms(0.5):.2f} ms, p99 {outcome.quantile_ms(0.99):.2f} ms",
            f"{outcome.by_cluster} translated and tracked (conntrack)",
            f"{outcome.lost} lost",
        ),
    )
