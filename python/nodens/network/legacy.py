"""Whether a table of legacy iptables was changed: no event tells, but the kernel gives its size at the cost of a call.

The same question that iptables itself begins with (IPT_SO_GET_INFO of <linux/netfilter_ipv4/ip_tables.h>). A change
that keeps the size is seen by what the rules say (IPT_SO_GET_ENTRIES), counters aside; asked for less often the more
there is to read, so that it costs next to nothing on a node with thousands of rules, too.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import time
import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

LOOK_S: Final = 0.25  # how often to ask
_READ_EVERY_S: Final = LOOK_S  # how often to read what the rules say, if that is cheap
_READ_SHARE: Final = 1000  # and at most one part in so many of the time is spent with it
_GET_INFO: Final = 64
_GET_ENTRIES: Final = 65
_HEAD: Final = struct.Struct("=32sI4x")  # struct ipt_get_entries: the name and the bytes of what follows
_NAME_BYTES: Final = 32
_INFO_BYTES: Final = 84  # the name, the hooks' bits, where each of five begins and ends, count and bytes of entries
_COUNTS: Final = struct.Struct("=II")
_FAMILIES: Final = {4: (socket.AF_INET, socket.IPPROTO_IP), 6: (socket.AF_INET6, socket.IPPROTO_IPV6)}
# Where an entry tells the length of all of it, and where its counters are: struct ipt_entry, struct ip6t_entry.
_ENTRIES: Final = {4: (90, 96), 6: (142, 152)}
_COUNTER_BYTES: Final = 16

Place = tuple[int, str]
"""A family and the name of a table."""


def size_of(place: Place) -> tuple[int, int]:
    """Give the number of a table's entries and their bytes. Raises OSError; ENOENT: there is none."""
    _, table = place
    buffer = ctypes.create_string_buffer(table.encode(), _INFO_BYTES)
    _get(place, _GET_INFO, buffer)
    entries, size_bytes = _COUNTS.unpack_from(buffer.raw, _INFO_BYTES - _COUNTS.size)
    return entries, size_bytes


def sum_of(place: Place, size_bytes: int) -> int:
    """Give a checksum of what a table's rules say, but for their counters. Raises OSError; EAGAIN: another size."""
    family, table = place
    buffer = ctypes.create_string_buffer(_HEAD.size + size_bytes)
    _HEAD.pack_into(buffer, 0, table.encode(), size_bytes)
    _get(place, _GET_ENTRIES, buffer)
    raw = memoryview(buffer.raw)[_HEAD.size :]
    length_at, counters_at = _ENTRIES[family]
    at = found = 0
    while at + counters_at + _COUNTER_BYTES <= size_bytes:
        (length,) = struct.unpack_from("=H", raw, at + length_at)
        found = zlib.crc32(raw[at : at + counters_at], found)
        found = zlib.crc32(raw[at + counters_at + _COUNTER_BYTES : at + length], found)
        at += max(length, counters_at)  # never stand still
    return found


def _get(place: Place, option: int, buffer: ctypes.Array[ctypes.c_char]) -> None:
    """Ask the kernel about a table."""
    family, table = place
    kind, level = _FAMILIES[family]
    length = ctypes.c_uint(len(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    with socket.socket(kind, socket.SOCK_DGRAM) as asking:
        if libc.getsockopt(asking.fileno(), level, option, buffer, ctypes.byref(length)):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), table)


class Tables:
    """Some tables, as they were when they were last asked for."""

    def __init__(self, places: Iterable[Place]) -> None:
        """Ask for the first time. Ask only for tables that are there: the question makes one."""
        self._sizes = {place: _size_or_none(place) for place in places}
        self._sums: dict[Place, int | None] = {}
        self._read_s = 0.0  # when to read next
        self._read()

    def have_changed(self) -> bool:
        """Ask again: whether any table differs. One that cannot be asked for counts as changed once."""
        before, self._sizes = self._sizes, {place: _size_or_none(place) for place in self._sizes}
        if before != self._sizes:
            self._read()
            return True
        if not self._sizes or time.monotonic() < self._read_s:
            return False
        sums = self._sums
        self._read()
        return sums != self._sums

    def _read(self) -> None:
        """Read what the rules say, and settle when to do so again."""
        began_s = time.thread_time()  # what it costs, not how long a busy node makes us wait
        self._sums = {place: _sum_or_none(place, size) for place, size in self._sizes.items()}
        cost_s = time.thread_time() - began_s
        self._read_s = time.monotonic() + max(_READ_EVERY_S, _READ_SHARE * cost_s)


def _size_or_none(place: Place) -> tuple[int, int] | None:
    """Give a table's size, or None if the kernel says nothing."""
    try:
        return size_of(place)
    except OSError:
        return None


def _sum_or_none(place: Place, size: tuple[int, int] | None) -> int | None:
    """Give a table's checksum, or None if the kernel says nothing."""
    try:
        return None if size is None else sum_of(place, size[1])
    except OSError:
        return None
