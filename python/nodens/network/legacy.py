"""Whether a table of legacy iptables was changed: no event tells, but the kernel gives its size at the cost of a call.

The same question that iptables itself begins with (IPT_SO_GET_INFO of <linux/netfilter_ipv4/ip_tables.h>).
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

LOOK_S: Final = 0.25  # how often to ask
_GET_INFO: Final = 64
_NAME_BYTES: Final = 32
_INFO_BYTES: Final = 84  # the name, the hooks' bits, where each of five begins and ends, count and bytes of entries
_COUNTS: Final = struct.Struct("=II")
_FAMILIES: Final = {4: (socket.AF_INET, socket.IPPROTO_IP), 6: (socket.AF_INET6, socket.IPPROTO_IPV6)}

Place = tuple[int, str]
"""A family and the name of a table."""


def size_of(place: Place) -> tuple[int, int]:
    """Give the number of a table's entries and their bytes. Raises OSError; ENOENT: there is none."""
    family, table = place
    kind, level = _FAMILIES[family]
    buffer = ctypes.create_string_buffer(table.encode(), _INFO_BYTES)
    length = ctypes.c_uint(_INFO_BYTES)
    libc = ctypes.CDLL(None, use_errno=True)
    with socket.socket(kind, socket.SOCK_DGRAM) as asking:
        if libc.getsockopt(asking.fileno(), level, _GET_INFO, buffer, ctypes.byref(length)):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), table)
    entries, size_bytes = _COUNTS.unpack_from(buffer.raw, _INFO_BYTES - _COUNTS.size)
    return entries, size_bytes


class Sizes:
    """The sizes of some tables, when they were last asked for."""

    def __init__(self, places: Iterable[Place]) -> None:
        """Ask for the first time. Ask only for tables that are there: the question makes one."""
        self._known = {place: _size_or_none(place) for place in places}

    def have_changed(self) -> bool:
        """Ask again: whether any table differs. One that cannot be asked for counts as changed once."""
        before, self._known = self._known, {place: _size_or_none(place) for place in self._known}
        return before != self._known


def _size_or_none(place: Place) -> tuple[int, int] | None:
    """Give a table's size, or None if the kernel says nothing."""
    try:
        return size_of(place)
    except OSError:
        return None
