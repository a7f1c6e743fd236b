"""nodens lab status: what stands, for people or as JSON."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from nodens.cli.lab.where import add_world
from nodens.lab.world import Place, require, status

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def main(words: Sequence[str]) -> int:
    """Print it; exit code 5 unless the whole world stands."""
    parser = argparse.ArgumentParser(
        prog="nodens lab status",
        description="Tell what stands: nodes, pods, Services, programs and their health, kube-proxy's rules, and "
        "whether the node cache is installed.",
        epilog="exit codes: 0 all of it stands and is well, 5 not",
    )
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    add_world(parser)
    asked = parser.parse_args(words)
    require()
    told = status(Place(asked.world))
    print(json.dumps(told, indent=2) if asked.json else render(told))
    return 0 if told["standing"] == "whole" else 5


def render(told: dict[str, Any]) -> str:
    """Lay it out for people."""
    if "nodes" not in told:
        return _without_world(told)
    families = " and ".join(f"IPv{family}" for family in told["families"])
    lines = [f"world {told['world']}: {_STANDING[told['standing']]}; kube-proxy's mode {told['proxy']}; {families}", ""]
    lines += _table(
        ("NODE", "ADDRESS", "PODS", "RULES", "NODE CACHE"),
        (
            (node["name"], _all(node["addresses"]), _all(node["pod_blocks"]), str(node["rules"]), _cache(node["cache"]))
            for node in told["nodes"]
        ),
    )
    lines += _table(
        ("POD", "NAMESPACE", "NODE", "ADDRESS", "READY"),
        (
            (pod["name"], pod["namespace"], pod["node"], _all(pod["addresses"]), "yes" if pod["ready"] else "no")
            for pod in told["pods"]
        ),
    )
    lines += _table(
        ("SERVICE", "NAMESPACE", "ADDRESS", "PORTS"),
        (
            (each["name"], each["namespace"], _all(each["addresses"]), ",".join(each["ports"]))
            for each in told["services"]
        ),
    )
    lines += _table(
        ("PROGRAM", "ROLE", "WHERE", "PID", "HEALTH", "LOG"),
        (
            (each["name"], each["role"], each["room"], str(each["pid"]), _health(each), each["log"])
            for each in told["programs"]
        ),
    )
    lines += [f"lost on purpose: {percent:g} % towards {where}" for where, percent in told["loss"].items()]
    return "\n".join(lines).rstrip()


_STANDING = {"whole": "stands", "half": "stands, but not all of it is well"}


def _without_world(told: dict[str, Any]) -> str:
    place = Place(told["world"])
    if "raising" in told:
        return f"world {told['world']}: is being raised (pid {told['raising']})"
    if told["standing"] == "none":
        return f"world {told['world']}: nothing stands\nhint: sudo {place.line('up')}"
    left = [*told["left"], *(f"pid {pid}" for pid in told["pids"])]
    return f"world {told['world']}: only what is left of one: {', '.join(left)}\nhint: sudo {place.line('down')}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Lay rows out in columns; an empty line after them."""
    whole = [head, *rows]
    widths = [max(len(row[place]) for row in whole) for place in range(len(head))]
    return ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in whole] + [
        ""
    ]


def _all(addresses: Sequence[str]) -> str:
    return ",".join(addresses)


def _cache(cache: dict[str, Any]) -> str:
    if not cache["installed"]:
        return "not installed"
    agents = f"pid {','.join(map(str, cache['pids']))}" if cache["pids"] else "left over: no program"
    return f"{agents}; {_all(cache['addresses']) or 'no addresses'}"


def _health(program: dict[str, Any]) -> str:
    return "well" if program["well"] else "no answer" if program["alive"] else "ended"
