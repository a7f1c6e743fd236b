"""One question to ourselves, over our own address, by UDP and by TCP, before any traffic is pointed at us."""

from __future__ import annotations

import os
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from nodens.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterable

_TRIES: Final = 3
_WAIT_S: Final = 1.0
_HEADER_BYTES: Final = 12
_STATUS: Final = 2 << 11  # opcode STATUS: any server refuses it by itself, nothing goes upstream, nothing is cached
_KINDS: Final = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}


def answer_ourselves(addresses: Iterable[tuple[str, int]]) -> None:
    """Ask each address that is on this node one question a protocol. Raises EngineError if one stays silent."""
    for address, port in addresses:
        for protocol, kind in _KINDS.items():
            if not _is_answered(address, port, kind):
                raise EngineError(
                    f"{address}:{port}/{protocol}: gives no answer to ourselves; "
                    f"expected one within {_TRIES * _WAIT_S:.0f} s"
                )


def _is_answered(address: str, port: int, kind: socket.SocketKind) -> bool:
    """Ask a few times. An address that is bound but not on the node yet cannot be asked, and counts as answered."""
    ip = ip_address(address.partition("%")[0])
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6  # noqa: PLR2004 - the two versions of IP
    if ip.is_unspecified:
        address = "127.0.0.1" if family == socket.AF_INET else "::1"
    for _ in range(_TRIES):
        with socket.socket(family, kind) as probe:
            probe.settimeout(_WAIT_S)
            try:
                probe.bind((address, 0))
            except OSError:
                return True
            if _asked(probe, (address, port), is_stream=kind == socket.SOCK_STREAM):
                return True
    return False


def _asked(probe: socket.socket, where: tuple[str, int], *, is_stream: bool) -> bool:
    """Ask once; whether the answer bears our number."""
    number = os.urandom(2)
    question = number + _STATUS.to_bytes(2, "big") + bytes(_HEADER_BYTES - 4)
    try:
        probe.connect(where)
        if is_stream:
            probe.sendall(len(question).to_bytes(2, "big") + question)
            return probe.recv(512)[2:4] == number
        probe.send(question)
        return probe.recv(512)[:2] == number
    except OSError:
        return False
