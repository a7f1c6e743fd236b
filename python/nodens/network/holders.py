"""Whether a living agent serves an address: a socket bound to exactly it. Works without seeing the agent's process."""

from __future__ import annotations

import sys
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_TABLES: Final = {4: ("udp", "tcp"), 6: ("udp6", "tcp6")}
_LISTENING: Final = "0A"  # a TCP socket's state; a UDP socket that waits for strangers has 07
_UNCONNECTED: Final = "07"
_WORD_BYTES: Final = 4


def served(addresses: Iterable[str], port: int = 53, net: Path = Path("/proc/net")) -> tuple[str, ...]:
    """Give the addresses that somebody has bound on this port. A socket on all addresses is no sign of an agent."""
    return tuple(address for address in addresses if _is_bound(address, port, net))


def _is_bound(address: str, port: int, net: Path) -> bool:
    """Whether there is a waiting socket on exactly this address and port."""
    ip = ip_address(address)
    wanted = f"{_spell(ip.packed)}:{port:04X}"
    for name in _TABLES[ip.version]:
        try:
            lines = (net / name).read_text().splitlines()[1:]
        except OSError:
            continue
        if any(line.split()[1] == wanted and line.split()[3] in (_LISTENING, _UNCONNECTED) for line in lines):
            return True
    return False


def _spell(raw: bytes) -> str:
    """Spell an address as /proc/net does: hexadecimal, each word in the host's order."""
    words = [raw[at : at + _WORD_BYTES] for at in range(0, len(raw), _WORD_BYTES)]
    return "".join((word[::-1] if sys.byteorder == "little" else word).hex().upper() for word in words)
