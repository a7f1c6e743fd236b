"""Which sockets wait for strangers: asked of the kernel (sock_diag), or else read off /proc/net.

The kernel answers where /proc/net is hidden (`subset=pid`, a security module), and /proc/net where the kernel has no
sock_diag. Where neither tells, that is an error: "nobody" would be a guess, and rules of the living would go.
"""

from __future__ import annotations

import re
import struct
import sys
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nodens.errors import NetworkError
from nodens.network import netlink
from nodens.network.model import Step
from nodens.network.netlink import Message, NetlinkSocket

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROC: Final = Path("/proc")
_NETLINK_SOCK_DIAG: Final = 4
_BY_FAMILY: Final = 20
_UNIX, _INET, _INET6 = 1, 2, 10
_LISTENS: Final = 10  # TCP_LISTEN; of unix sockets, too
_PROTOCOLS: Final = {"tcp": (6, _LISTENS), "udp": (17, 7)}  # UDP in TCP_CLOSE: not connected, so it hears strangers
_WISH: Final = struct.Struct("=BBBxI")  # family, protocol, extensions, states: <linux/inet_diag.h>
_PORTS: Final = struct.Struct(">HH")
_REST_OF_ID: Final = bytes(44)  # addresses, interface, cookie: any
_PORT_AT, _ADDRESS_AT, _INODE_AT, _TOLD_BYTES = 4, 8, 68, 72
_UNIX_WISH: Final = struct.Struct("=BBxxIII8x")  # family, protocol, states, inode, what to show: <linux/unix_diag.h>
_UNIX_TOLD: Final = struct.Struct("=BBBxI8x")  # family, type, state, inode
_ALL_STATES: Final = 0xFFFFFFFF
_SHOW_NAME: Final = 1
_NAME: Final = 0
_SEQPACKET: Final = 5
_DOOR: Final = re.compile(r"nodens/(?P<address>\S+)/(?P<port>\d+)")
_WORD_BYTES: Final = 4
_ACCEPTS: Final = 0x10000  # __SO_ACCEPTCON in the flags of /proc/net/unix
_UNIX_LINE: Final = re.compile(
    rf"^\S+: \S+ \S+ (?P<flags>[0-9A-Fa-f]+) 000{_SEQPACKET} \S+ +(?P<inode>\d+) @(?P<name>\S+)$", re.MULTILINE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A socket that waits for strangers, and its number."""

    protocol: str
    address: IPv4Address | IPv6Address
    inode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorSocket:
    """A socket with the name of a door, of the type that doors have: others bear the name and disturb nobody."""

    address: str
    port: int
    inode: str
    is_listening: bool


def waiting(port: int, proc: Path | None = None) -> tuple[Waiting, ...]:
    """List the sockets of a port that wait for strangers. Raises NetworkError where that cannot be seen."""
    if proc is not None:
        return _ask_proc(port, proc, "")
    try:
        with NetlinkSocket(_NETLINK_SOCK_DIAG) as kernel:
            return tuple(_ask_kernel(kernel, port))
    except OSError as error:
        return _ask_proc(port, _PROC, f"sock_diag: {error.strerror}; ")


def doors(proc: Path | None = None) -> tuple[DoorSocket, ...]:
    """List the sockets that bear the name of an agent's door. Raises NetworkError where that cannot be seen."""
    if proc is not None:
        return _doors_of_proc(proc, "")
    try:
        with NetlinkSocket(_NETLINK_SOCK_DIAG) as kernel:
            return tuple(_doors_of_kernel(kernel))
    except OSError as error:
        return _doors_of_proc(_PROC, f"sock_diag: {error.strerror}; ")


def _ask_kernel(kernel: NetlinkSocket, port: int) -> Iterator[Waiting]:
    """Ask for both protocols and families; the kernel picks port and state."""
    for name, (protocol, state) in _PROTOCOLS.items():
        for family in (_INET, _INET6):
            wish = _WISH.pack(family, protocol, 0, 1 << state) + _PORTS.pack(port, 0) + _REST_OF_ID
            for _, body in kernel.dump(Message(_BY_FAMILY, wish)):
                if len(body) < _TOLD_BYTES or _PORTS.unpack_from(body, _PORT_AT)[0] != port:
                    continue
                raw = body[_ADDRESS_AT : _ADDRESS_AT + (4 if family == _INET else 16)]
                (inode,) = struct.unpack_from("=I", body, _INODE_AT)
                yield Waiting(protocol=name, address=_plain(ip_address(raw)), inode=str(inode))


def _ask_proc(port: int, proc: Path, before: str) -> tuple[Waiting, ...]:
    """Read /proc/net; a family of which there is no file is not there."""
    found = []
    for name, (_, state) in _PROTOCOLS.items():
        for file in (name, f"{name}6"):
            try:
                lines = (proc / "net" / file).read_text().splitlines()[1:]
            except OSError as error:
                if isinstance(error, FileNotFoundError) and file != name:
                    continue
                raise _unseen(f"port {port}", before, error) from error
            for line in lines:
                fields = line.split()
                host, _, at = fields[1].partition(":")
                if int(at, 16) == port and int(fields[3], 16) == state:
                    found.append(Waiting(protocol=name, address=_read(host), inode=fields[9]))
    return tuple(found)


def _doors_of_kernel(kernel: NetlinkSocket) -> Iterator[DoorSocket]:
    """Ask for all unix sockets with their names; there are some hundreds."""
    wish = _UNIX_WISH.pack(_UNIX, 0, _ALL_STATES, 0, _SHOW_NAME)
    for _, body in kernel.dump(Message(_BY_FAMILY, wish)):
        _, kind, state, inode = _UNIX_TOLD.unpack_from(body)
        raw = netlink.read_attributes(body[_UNIX_TOLD.size :]).get(_NAME, b"")
        if kind != _SEQPACKET or raw[:1] != b"\0":
            continue  # another type, or not an abstract name
        if match := _DOOR.fullmatch(raw[1:].decode(errors="replace")):
            yield _door(match, str(inode), is_listening=state == _LISTENS)


def _doors_of_proc(proc: Path, before: str) -> tuple[DoorSocket, ...]:
    """Read /proc/net/unix."""
    try:
        text = (proc / "net" / "unix").read_text(errors="replace")
    except OSError as error:
        raise _unseen("unix sockets", before, error) from error
    return tuple(
        _door(match, line["inode"], is_listening=bool(int(line["flags"], 16) & _ACCEPTS))
        for line in _UNIX_LINE.finditer(text)
        if (match := _DOOR.fullmatch(line["name"]))
    )


def _door(match: re.Match[str], inode: str, *, is_listening: bool) -> DoorSocket:
    """Make one of a name."""
    return DoorSocket(address=match["address"], port=int(match["port"]), inode=inode, is_listening=is_listening)


def _unseen(subject: str, before: str, error: OSError) -> NetworkError:
    """Make the error of what cannot be seen; `before` says what was tried first."""
    return NetworkError(Step.SEE_HOLDERS, subject, f"{before}{error.filename}: {error.strerror}".lower(), error.errno)


def _read(text: str) -> IPv4Address | IPv6Address:
    """Read an address as /proc/net writes it: hexadecimal, each word in the host's order."""
    raw = bytes.fromhex(text)
    words = [raw[at : at + _WORD_BYTES] for at in range(0, len(raw), _WORD_BYTES)]
    return _plain(ip_address(b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)))


def _plain(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Give the IPv4 address that an IPv6 socket serves, if it is one."""
    return (ip.ipv4_mapped or ip) if isinstance(ip, IPv6Address) else ip
