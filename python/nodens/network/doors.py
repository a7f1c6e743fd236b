"""Who holds the names at which agents knock for a hand-over, and whether the same process serves the port."""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from nodens.network import sockets

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorHolder:
    """A taken name. `pid` None: its process cannot be seen from here; `serves`: it has a socket of the address, too."""

    address: str
    port: int
    is_open: bool
    pid: int | None = None
    program: str = ""
    serves: bool = False


def survey_doors(addresses: Iterable[str], port: int, proc: Path = Path("/proc")) -> tuple[DoorHolder, ...]:
    """Find the doors of these addresses. Nobody is knocked at: that would disturb an agent. Raises NetworkError."""
    wanted = tuple(dict.fromkeys(str(ip_address(address)) for address in addresses))
    doors = [door for door in _doors() if door.address in wanted and door.port == port]
    if not doors:
        return ()
    waiting = sockets.waiting(port)
    serving = {
        address: {each.inode for each in waiting if each.address.is_unspecified or each.address == ip_address(address)}
        for address in wanted
    }
    holders = _holders({door.inode for door in doors} | set().union(*serving.values()), proc)
    found = []
    for door in doors:
        pids = [pid for pid, inodes in holders.items() if door.inode in inodes]
        honest = [pid for pid in pids if holders[pid] & serving[door.address]]
        pid = next(iter(honest or pids), None)
        found.append(
            DoorHolder(
                address=door.address,
                port=port,
                is_open=door.is_listening,
                pid=pid,
                program=_name(proc, pid),
                serves=bool(honest),
            )
        )
    return tuple(dict.fromkeys(found))


def _doors() -> list[sockets.DoorSocket]:
    """Pick the names that look like doors; of one that listens there is one, and one a guest who has not left."""
    found = sockets.doors()
    open_ones = {(each.address, each.port) for each in found if each.is_listening}
    return [each for each in found if each.is_listening or (each.address, each.port) not in open_ones]


def _holders(wanted: set[str], proc: Path) -> dict[int, set[str]]:
    """Say which processes have which of these sockets open; those that may not be looked at are missing."""
    found: dict[int, set[str]] = {}
    for folder in proc.iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            names = os.listdir(folder / "fd")  # noqa: PTH208 - names are enough, and there are many
        except OSError:
            continue
        for name in names:
            try:
                target = os.readlink(folder / "fd" / name)  # noqa: PTH115 - the text, not a path
            except OSError:
                continue
            inode = target.removeprefix("socket:[").removesuffix("]")
            if inode in wanted:
                found.setdefault(int(folder.name), set()).add(inode)
    return found


def _name(proc: Path, pid: int | None) -> str:
    """Name a process."""
    try:
        return (proc / str(pid) / "comm").read_text(errors="replace").strip() if pid else ""
    except OSError:
        return "?"
