"""Who holds the names at which agents knock for a hand-over, and whether the same process serves the port."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nodens.network.ports import waiting_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

_LISTENS: Final = 0x10000  # __SO_ACCEPTCON in the flags of /proc/net/unix
_LINE: Final = re.compile(
    r"^\S+: \S+ \S+ (?P<flags>[0-9A-Fa-f]+) \S+ \S+ +(?P<inode>\d+) @nodens/(?P<address>\S+)/(?P<port>\d+)$"
)


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
    """Find the doors of these addresses. Nobody is knocked at: that would disturb an agent."""
    wanted = tuple(dict.fromkeys(str(ip_address(address)) for address in addresses))
    doors = [found for found in _doors(proc) if found["address"] in wanted and int(found["port"]) == port]
    if not doors:
        return ()
    serving = {
        address: {fields[9] for protocol in ("udp", "tcp") for fields in waiting_lines(protocol, address, port, proc)}
        for address in wanted
    }
    holders = _holders({door["inode"] for door in doors} | set().union(*serving.values()), proc)
    found = []
    for door in doors:
        pids = [pid for pid, inodes in holders.items() if door["inode"] in inodes]
        honest = [pid for pid in pids if holders[pid] & serving[door["address"]]]
        pid = next(iter(honest or pids), None)
        found.append(
            DoorHolder(
                address=door["address"],
                port=port,
                is_open=bool(int(door["flags"], 16) & _LISTENS),
                pid=pid,
                program=_name(proc, pid),
                serves=bool(honest),
            )
        )
    return tuple(dict.fromkeys(found))


def _doors(proc: Path) -> list[dict[str, str]]:
    """Read the names that look like doors; of one that listens there is one line, and one a guest who has not left."""
    try:
        lines = (proc / "net" / "unix").read_text(errors="replace").splitlines()
    except OSError:
        return []
    found = [match.groupdict() for line in lines if (match := _LINE.match(line))]
    open_ones = {(each["address"], each["port"]) for each in found if int(each["flags"], 16) & _LISTENS}
    return [
        each for each in found if int(each["flags"], 16) & _LISTENS or (each["address"], each["port"]) not in open_ones
    ]


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
