"""One question to ourselves, over our own address, before any traffic is pointed at us."""

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


def answer_ourselves(addresses: Iterable[tuple[str, int]]) -> None:
    """Ask each address that is on this node one question. Raises EngineError if one stays silent."""
    for address, port in addresses:
        if not _is_answered(address, port):
            raise EngineError(
                f"{address}:{port}/udp: gives no answer to ourselves; expected one within {_TRIES * _WAIT_S:.0f} s"
            )


def _is_answered(address: str, port: int) -> bool:
    """Ask a few times. An address that is bound but not on the node yet cannot be asked, and counts as answered."""
    ip = ip_address(address.partition("%")[0])
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6  # noqa: PLR2004 - the two versions of IP
    if ip.is_unspecified:
        address = "127.0.0.1" if family == socket.AF_INET else "::1"
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.settimeout(_WAIT_S)
        for _ in range(_TRIES):
            number = os.urandom(2)
            try:
                probe.bind((address, 0)) if not probe.getsockname()[1] else None
                probe.connect((address, port))
                probe.send(number + _STATUS.to_bytes(2, "big") + bytes(_HEADER_BYTES - 4))
                if probe.recv(512)[:2] == number:
                    return True
            except TimeoutError:
                continue
            except OSError:
                return True
    return False
