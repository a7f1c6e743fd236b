"""Is an address and port free, and if not, who holds it."""

from __future__ import annotations

import errno
import os
import socket
import sys
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_IP_FREEBIND: Final = 15  # <linux/in.h>; the socket module has no name for it
_IPV6_FREEBIND: Final = 78
_LISTENING: Final = "0A"  # a TCP socket's state in /proc/net/tcp
_WORD_BYTES: Final = 4  # /proc/net writes addresses in words of the host's order


def find_taken(address: str, port: int) -> tuple[str, int, str] | None:
    """Try UDP, then TCP, without sharing: give (protocol, errno, why) of the first that is taken.

    The engine's own sockets share their port among workers (SO_REUSEPORT), so they would share it with a stranger's of
    the same user, too, and each would get half of the queries.
    """
    if not port:
        return None
    ip = ip_address(address)
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6  # noqa: PLR2004 - the two versions of IP
    for protocol, kind in (("udp", socket.SOCK_DGRAM), ("tcp", socket.SOCK_STREAM)):
        with socket.socket(family, kind) as probe:
            if family == socket.AF_INET:
                probe.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
            else:
                probe.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
                if not ip.is_unspecified:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # old connections do not count
            try:
                probe.bind((address, port))
                if kind == socket.SOCK_STREAM:
                    probe.listen(1)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    return protocol, errno.EADDRINUSE, f"address in use{_brackets(holder(address, port, protocol))}"
    return None


def holder(address: str, port: int, protocol: str = "tcp", proc: Path = Path("/proc")) -> str:
    """Name the process that holds a port, as "pid 812, `dnsmasq`"; empty if it cannot be seen."""
    inodes = {inode for at, inode in _sockets(protocol, port, proc) if _overlaps(at, address)}
    if not inodes:
        return ""
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for folder in proc.iterdir():
        if folder.name.isdecimal() and _holds(folder / "fd", wanted):
            try:
                program = (folder / "comm").read_text().strip()
            except OSError:
                program = "?"
            return f"pid {folder.name}, `{program}`"
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupant:
    """A socket that waits for strangers. Without a `pid` its process cannot be seen from here."""

    protocol: str
    address: str
    port: int
    pid: int | None = None
    program: str = ""
    command: str = ""


def survey_occupants(ports: Iterable[int], proc: Path = Path("/proc")) -> tuple[Occupant, ...]:
    """Say who waits on some ports, each process once per address and protocol. Looks through /proc once."""
    waiting = [
        (protocol, str(address), port, f"socket:[{inode}]")
        for port in ports
        for protocol in ("udp", "tcp")
        for address, inode in _sockets(protocol, port, proc)
    ]
    owners = _owners({inode for *_, inode in waiting}, proc)
    found = []
    for protocol, address, port, inode in waiting:
        pid = owners.get(inode)
        program, command = ("", "") if pid is None else _program(proc / str(pid))
        found.append(Occupant(protocol=protocol, address=address, port=port, pid=pid, program=program, command=command))
    return tuple(dict.fromkeys(found))


def _owners(wanted: set[str], proc: Path) -> dict[str, int]:
    """Find the lowest pid that has each of these sockets open."""
    found: dict[str, int] = {}
    for pid in sorted(int(folder.name) for folder in proc.iterdir() if folder.name.isdecimal()) if wanted else ():
        folder = proc / str(pid) / "fd"
        try:
            names = os.listdir(folder)  # noqa: PTH208 - names are enough, and there are many
        except OSError:
            continue
        for name in names:
            try:
                target = os.readlink(folder / name)  # noqa: PTH115 - the text, not a path
            except OSError:
                continue
            if target in wanted:
                found.setdefault(target, pid)
    return found


def _program(folder: Path) -> tuple[str, str]:
    """Give a process' short name and its command line."""
    try:
        name = (folder / "comm").read_text(errors="replace").strip()
        command = (folder / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ").strip()
    except OSError:
        return "?", ""
    return name, command


def _brackets(text: str) -> str:
    """Put a space and brackets round it, unless there is nothing."""
    return f" ({text})" if text else ""


def _holds(folder: Path, wanted: set[str]) -> bool:
    """Whether a process has one of these sockets open."""
    try:
        for name in os.listdir(folder):  # noqa: PTH208 - names are enough, and there are many
            try:
                if os.readlink(folder / name) in wanted:  # noqa: PTH115 - the text, not a path
                    return True
            except OSError:
                continue
    except OSError:
        return False
    return False


def _sockets(protocol: str, port: int, proc: Path) -> Iterator[tuple[IPv4Address | IPv6Address, str]]:
    """Local addresses and inodes of all sockets on a port that wait for strangers."""
    for fields in waiting_lines(protocol, "", port, proc):
        yield _read_address(fields[1].partition(":")[0]), fields[9]


def waiting_lines(protocol: str, address: str, port: int, proc: Path) -> Iterator[list[str]]:
    """Give the words of each line of /proc/net about a socket that waits for strangers there; no address means all."""
    for name in (protocol, f"{protocol}6"):
        try:
            lines = (proc / "net" / name).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            host, _, number = fields[1].partition(":")
            if int(number, 16) != port or (protocol == "tcp" and fields[3] != _LISTENING):
                continue
            if not address or _overlaps(_read_address(host), address):
                yield fields


def _read_address(text: str) -> IPv4Address | IPv6Address:
    """Read an address as /proc/net writes it: hexadecimal, each word in the host's order."""
    raw = bytes.fromhex(text)
    words = [raw[at : at + _WORD_BYTES] for at in range(0, len(raw), _WORD_BYTES)]
    if sys.byteorder == "little":
        words = [word[::-1] for word in words]
    return ip_address(b"".join(words))


def _overlaps(held: IPv4Address | IPv6Address, wanted: str) -> bool:
    """Whether two sockets on these addresses would meet; an empty address means all."""
    if not wanted or held.is_unspecified:
        return True
    address = ip_address(wanted)
    return address.is_unspecified or address == held
