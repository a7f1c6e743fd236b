"""Who serves an address: read off the sockets of this network namespace, so no process need be seen.

A socket bound to exactly the address is a living agent's. One on all addresses may be an agent's (a Corefile without
`bind`) or anybody's: it counts as a possible agent, and as one where an agent's door (see `doors`) stands, too.
"""

from __future__ import annotations

import os
import re
import sys
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PROC: Final = Path("/proc")
_WAITING: Final = {"tcp": "0A", "udp": "07"}  # TCP that listens; UDP that hears strangers
_WORD_BYTES: Final = 4
_INODE_AT: Final = 9


def served(addresses: Iterable[str], port: int = 53, proc: Path = _PROC) -> tuple[str, ...]:
    """Give the addresses that somebody has bound on this port. A socket on all addresses is no sign of an agent."""
    bound = {address for address, _ in _sockets(port, proc)}
    return tuple(address for address in addresses if ip_address(address) in bound)


def overlapped(addresses: Iterable[str], port: int = 53, proc: Path = _PROC) -> tuple[str, ...]:
    """Give the addresses that a socket on all addresses serves, too, whosever it is."""
    everywhere = {address for address, _ in _sockets(port, proc) if address.is_unspecified}
    return tuple(address for address in addresses if _reaches(everywhere, address))


def strangers(addresses: Iterable[str], port: int = 53, proc: Path = _PROC) -> tuple[str, ...]:
    """Give the addresses that sockets serve which this process does not hold; those on all addresses count."""
    own = _own(proc)
    bound = {address for address, inode in _sockets(port, proc) if inode not in own}
    return tuple(address for address in addresses if ip_address(address) in bound or _reaches(bound, address))


def doors(port: int = 53, proc: Path = _PROC) -> tuple[str, ...]:
    """Give the addresses for which an agent's door stands: the abstract socket of its hand-over."""
    try:
        text = (proc / "net" / "unix").read_text(errors="replace")
    except OSError:
        return ()
    return tuple(dict.fromkeys(re.findall(rf" @nodens/(\S+)/{port}$", text, re.MULTILINE)))


def _reaches(bound: set[IPv4Address | IPv6Address], address: str) -> bool:
    """Whether one of these sockets is on all addresses of its family, or, of IPv6, perhaps on those of both."""
    ip = ip_address(address)
    return IPv6Address(0) in bound or (isinstance(ip, IPv4Address) and IPv4Address(0) in bound)


def _own(proc: Path) -> set[str]:
    """The sockets that this process holds, by their number."""
    found = set()
    for descriptor in (proc / "self" / "fd").iterdir():
        try:
            target = os.readlink(descriptor)  # noqa: PTH115 - the text, not a path
        except OSError:
            continue  # closed meanwhile
        found.add(target.removeprefix("socket:[").removesuffix("]"))
    return found


def _sockets(port: int, proc: Path) -> Iterator[tuple[IPv4Address | IPv6Address, str]]:
    """Address and number of each socket of this port that waits for strangers."""
    wanted = f"{port:04X}"
    for protocol, state in _WAITING.items():
        for name in (protocol, f"{protocol}6"):
            try:
                lines = (proc / "net" / name).read_text().splitlines()[1:]
            except OSError:
                continue
            for line in lines:
                fields = line.split()
                host, _, at = fields[1].partition(":")
                if at == wanted and fields[3] == state:
                    yield _read(host), fields[_INODE_AT]


def _read(text: str) -> IPv4Address | IPv6Address:
    """Read an address as /proc/net writes it: hexadecimal, each word in the host's order."""
    raw = bytes.fromhex(text)
    words = [raw[at : at + _WORD_BYTES] for at in range(0, len(raw), _WORD_BYTES)]
    ip = ip_address(b"".join(word[::-1] if sys.byteorder == "little" else word for word in words))
    return (ip.ipv4_mapped or ip) if isinstance(ip, IPv6Address) else ip
