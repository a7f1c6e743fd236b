"""The lines of a node's life where users look for them, in the words they know."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Final

from nodens import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nodens.lifecycle.reload import Prepared
    from nodens.observe import Log
    from nodens.plan import EnginePlan

_PREFERRED: Final = re.compile(r"(?:[a-z](?:[a-z0-9-]*[a-z0-9])?\.)+")  # RFC 1035, 2.3.1
_REVERSE: Final = (".in-addr.arpa.", ".ip6.arpa.")


def spell(address: str, port: int) -> str:
    """Write an address and port, IPv6 in brackets."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def spell_duration(milliseconds: int) -> str:
    """Write a duration as Go does: `1s`, `1m30s`, `500ms`."""
    if milliseconds < 1000:  # noqa: PLR2004 - below a second
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest / 1000:g}s"
    if hours:
        return f"{hours}h{minutes}m{seconds}"
    return f"{minutes}m{seconds}" if minutes else seconds


def say_zones(log: Log, plan: EnginePlan, addresses: Sequence[tuple[str, int]]) -> None:
    """Print what is served where, a line a zone, listeners in the plan's order."""
    for listener, (_, port) in zip(plan.listeners, addresses, strict=True):
        where = "" if listener.is_dual_stack else f" on {listener.address}"
        for zone in sorted(listener.zones, key=lambda zone: zone.name):
            is_reverse = f".{zone.name}".endswith(_REVERSE)
            if zone.name != "." and not is_reverse and not _PREFERRED.fullmatch(zone.name):
                log.line(f'Warning: Domain "{zone.name}" does not follow RFC1035 preferred syntax')
            log.line(f"{zone.name}:{port}{where}")


def say_running(log: Log, prepared: Prepared) -> None:
    """Print the fingerprint of the running configuration, where a block asks for reloading."""
    if prepared.plan.reload:
        log.info(f"plugin/reload: Running configuration SHA512 = {prepared.fingerprint}")


def version_lines() -> tuple[str, str]:
    """Who we are, in two lines, in the places where CoreDNS says who it is."""
    machine = os.uname().machine
    go_word = {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
    return f"nodens-{__version__}", f"linux/{go_word}, python{sys.version.split()[0]}"


def say_version(log: Log) -> None:
    """Print who we are."""
    for line in version_lines():
        log.line(line)
