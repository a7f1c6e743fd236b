"""Faults of the network, put in and taken out: lost packets. By nft, since many kernels are built without netem."""

from __future__ import annotations

from collections.abc import Callable

from nodens.lab.world.errands import run

TABLE = "nodens-lab-faults"
_PARTS = 10_000  # a percent has a hundred of them

Command = Callable[..., list[str]]


def lose(command: Command, percent: float) -> None:
    """Lose some of the packets of DNS, UDP and TCP alike, that come in where `command` runs things."""
    parts = round(percent * _PARTS / 100)
    rules = f"table inet {TABLE}\ndelete table inet {TABLE}\n"
    if parts:
        loses = f"numgen random mod {_PARTS} < {parts} " if parts < _PARTS else ""
        rules += (
            f"table inet {TABLE} {{\n chain in {{\n  type filter hook input priority -300\n"
            f"  meta l4proto {{ udp, tcp }} th dport 53 {loses}counter drop\n }}\n}}\n"
        )
    run(command("nft", "-f", "-"), text=rules)
