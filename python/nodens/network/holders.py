"""Who serves an address: told by the sockets of this network namespace, so no process need be seen.

A socket bound to exactly the address is a living agent's. One on all addresses may be an agent's (a Corefile without
`bind`) or anybody's: it counts as a possible agent, and as one where an agent's door (see `doors`) stands, too.

Each question raises NetworkError where it cannot be answered: who cannot be seen may live.
"""

from __future__ import annotations

import os
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from nodens.errors import NetworkError
from nodens.network import sockets
from nodens.network.model import Step

if TYPE_CHECKING:
    from collections.abc import Iterable


def served(addresses: Iterable[str], port: int = 53, proc: Path | None = None) -> tuple[str, ...]:
    """Give the addresses that somebody has bound on this port. A socket on all addresses is no sign of an agent."""
    bound = {each.address for each in sockets.waiting(port, proc)}
    return tuple(address for address in addresses if ip_address(address) in bound)


def overlapped(addresses: Iterable[str], port: int = 53, proc: Path | None = None) -> tuple[str, ...]:
    """Give the addresses that a socket on all addresses serves, too, whosever it is."""
    everywhere = {each.address for each in sockets.waiting(port, proc) if each.address.is_unspecified}
    return tuple(address for address in addresses if _reaches(everywhere, address))


def strangers(addresses: Iterable[str], port: int = 53, proc: Path | None = None) -> tuple[str, ...]:
    """Give the addresses that sockets serve which this process does not hold; those on all addresses count."""
    found = sockets.waiting(port, proc)
    own = _own(proc) if found else set()
    bound = {each.address for each in found if each.inode not in own}
    return tuple(address for address in addresses if ip_address(address) in bound or _reaches(bound, address))


def strange_sockets(addresses: Iterable[str], port: int = 53) -> frozenset[str]:
    """Give the numbers of the sockets that make somebody a stranger of any of these addresses; cheap."""
    found = sockets.waiting(port)
    own = _own(None) if found else set()
    wanted = tuple(addresses)
    return frozenset(
        each.inode
        for each in found
        if each.inode not in own
        and any(each.address == ip_address(address) or _reaches({each.address}, address) for address in wanted)
    )


def doors(port: int = 53, proc: Path | None = None) -> tuple[str, ...]:
    """Give the addresses for which an agent's door stands: the abstract socket of its hand-over."""
    return tuple(dict.fromkeys(door.address for door in sockets.doors(proc) if door.port == port))


def _reaches(bound: set[IPv4Address | IPv6Address], address: str) -> bool:
    """Whether one of these sockets is on all addresses of its family, or, of IPv6, perhaps on those of both."""
    ip = ip_address(address)
    return IPv6Address(0) in bound or (isinstance(ip, IPv4Address) and IPv4Address(0) in bound)


def _own(proc: Path | None) -> set[str]:
    """The sockets that this process holds, by their number."""
    folder = (proc or Path("/proc")) / "self" / "fd"
    found = set()
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names are enough
    except OSError as error:
        why = f"{folder}: {error.strerror}".lower()
        raise NetworkError(Step.SEE_HOLDERS, "sockets of our own", why, error.errno) from error
    for name in names:
        try:
            target = os.readlink(folder / name)  # noqa: PTH115 - the text, not a path
        except OSError:
            continue  # closed meanwhile
        found.add(target.removeprefix("socket:[").removesuffix("]"))
    return found
