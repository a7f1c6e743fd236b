"""The node's interfaces and their addresses, through libc's getifaddrs: looking needs no netlink library."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from ipaddress import IPv4Address, IPv6Address

from nodens.plan import Interface

_V4_AT, _V6_AT = 4, 8  # where the address stands in sockaddr_in and sockaddr_in6


class _IfAddrs(ctypes.Structure):
    """struct ifaddrs, as far as it is read here."""


_IfAddrs._fields_ = [
    ("next", ctypes.POINTER(_IfAddrs)),
    ("name", ctypes.c_char_p),
    ("flags", ctypes.c_uint),
    ("address", ctypes.c_void_p),
]


def interfaces() -> tuple[Interface, ...]:
    """Every interface, by number, with its addresses in the kernel's order."""
    found: dict[str, list[str]] = {name: [] for _, name in socket.if_nameindex()}
    for name, address in _addresses():
        known = found.setdefault(name, [])
        if address not in known:
            known.append(address)
    numbers = {name: index for index, name in socket.if_nameindex()}
    return tuple(
        Interface(name=name, index=numbers[name], addresses=tuple(addresses))
        for name, addresses in sorted(found.items(), key=lambda item: numbers.get(item[0], 0))
        if name in numbers
    )


def _addresses() -> list[tuple[str, str]]:
    """Pairs of interface name and address."""
    libc = ctypes.CDLL(None, use_errno=True)
    first = ctypes.POINTER(_IfAddrs)()
    if libc.getifaddrs(ctypes.byref(first)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "getifaddrs")
    pairs: list[tuple[str, str]] = []
    try:
        entry = first
        while bool(entry):
            if text := _read(entry.contents.address):
                label = entry.contents.name.decode(errors="replace")
                pairs.append((label.partition(":")[0], text))  # `eth0:1` is a label of eth0
            entry = entry.contents.next
    finally:
        libc.freeifaddrs(first)
    return pairs


def _read(pointer: int | None) -> str | None:
    """Read a socket address as text; None for families that are not IP."""
    if not pointer:
        return None
    family = int.from_bytes(ctypes.string_at(pointer, 2), sys.byteorder)
    if family == socket.AF_INET:
        return str(IPv4Address(ctypes.string_at(pointer + _V4_AT, 4)))
    if family == socket.AF_INET6:
        return str(IPv6Address(ctypes.string_at(pointer + _V6_AT, 16)))
    return None
