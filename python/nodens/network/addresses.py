"""Host addresses on a link, of either family: list, add, remove."""

from __future__ import annotations

import errno
import select
import socket
import struct
import time
from contextlib import suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from nodens.network import netlink
from nodens.network.model import IPV4, IPV6, Step, refused
from nodens.network.netlink import Message, NetlinkSocket

if TYPE_CHECKING:
    from collections.abc import Iterable

_NEWADDR, _DELADDR, _GETADDR, _GETROUTE = 20, 21, 22, 26
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS, _RTA_DST = 1, 2, 8, 1
# No duplicate address detection: on a link that is down it would never end, and the address stay tentative.
_NODAD: Final = 0x02
_ADDRESS: Final = struct.Struct("=BBBBI")
_ROUTE: Final = struct.Struct("=BBBBBBBBI")
_RTN_LOCAL: Final = 2
_IPV6_ROUTES: Final = 11  # RTNLGRP_IPV6_ROUTE
_LOCAL_WAIT_S: Final = 1.0  # it takes well under a millisecond on an idle node
_FAMILIES: Final = {socket.AF_INET: 4, socket.AF_INET6: 6}
_BITS: Final = {4: 32, 6: 128}


def of_link(kernel: NetlinkSocket, index: int) -> tuple[str, ...]:
    """Give the host addresses of a link, both families, in the kernel's order."""
    found = []
    for _, body in kernel.dump(Message(_GETADDR, _ADDRESS.pack(socket.AF_UNSPEC, 0, 0, 0, 0))):
        family, bits, _, _, at = _ADDRESS.unpack_from(body)
        if at != index or bits != _BITS.get(_FAMILIES.get(socket.AddressFamily(family), 0)):
            continue
        told = netlink.read_attributes(body[_ADDRESS.size :])
        found.append(str(ip_address(told.get(_IFA_LOCAL) or told[_IFA_ADDRESS])))
    return tuple(found)


def add(index: int, addresses: Iterable[str]) -> None:
    """Give a link host addresses, and come back when they are local; those it has already stay.

    The first that is refused ends it.
    """
    with NetlinkSocket(netlink.NETLINK_ROUTE, (_IPV6_ROUTES,)) as routes:
        for address in addresses:
            try:
                _change(_NEWADDR, index, address, netlink.CREATE | netlink.EXCL)
            except OSError as error:
                if error.errno != errno.EEXIST:
                    is_shut = ip_address(address).version == IPV6 and error.errno in (errno.EACCES, errno.EPERM)
                    hint = "is IPv6 disabled here (net.ipv6.conf.all.disable_ipv6)?" if is_shut else ""
                    raise refused(Step.ADD_ADDRESS, address, error, hint) from error
            if ip_address(address).version == IPV6:
                _wait_until_local(address, routes)


def _wait_until_local(address: str, routes: NetlinkSocket) -> None:
    """Wait for the local route of an IPv6 address: the kernel makes it after its answer, on another thread.

    Rules that were set in between would send untracked queries to an address that is not here yet.
    """
    deadline = time.monotonic() + _LOCAL_WAIT_S
    while not is_local(address):
        left = deadline - time.monotonic()
        if left <= 0:
            why = OSError(errno.ETIMEDOUT, f"the kernel made no local route for it in {_LOCAL_WAIT_S:g} s")
            raise refused(Step.ADD_ADDRESS, address, why)
        select.select([routes], (), (), left)
        with suppress(OSError):  # ENOBUFS: more routes changed than fit; the look above is what counts
            routes.events()


def is_local(address: str) -> bool:
    """Whether the kernel takes packets to this address for its own."""
    ip = ip_address(address)
    family = socket.AF_INET if ip.version == IPV4 else socket.AF_INET6
    wish = _ROUTE.pack(family, ip.max_prefixlen, 0, 0, 0, 0, 0, 0, 0) + netlink.attribute(_RTA_DST, ip.packed)
    try:
        with NetlinkSocket(netlink.NETLINK_ROUTE) as kernel:
            _, body = kernel.get(Message(_GETROUTE, wish))
    except OSError:
        return False  # no way there at all
    return int(_ROUTE.unpack_from(body)[7]) == _RTN_LOCAL


def remove(index: int, address: str) -> bool:
    """Take a host address off a link; False if it, or the link, was gone already."""
    try:
        _change(_DELADDR, index, address, 0)
    except OSError as error:
        if error.errno in (errno.EADDRNOTAVAIL, errno.ENODEV):
            return False
        raise refused(Step.REMOVE_ADDRESS, address, error) from error
    return True


def _change(kind: int, index: int, text: str, flags: int) -> None:
    """Add or remove one address, as a host prefix of global scope."""
    ip = ip_address(text)
    family = socket.AF_INET if ip.version == IPV4 else socket.AF_INET6
    extra = netlink.attribute(_IFA_FLAGS, struct.pack("=I", _NODAD)) if ip.version == IPV6 else b""
    body = (
        _ADDRESS.pack(family, ip.max_prefixlen, 0, 0, index)
        + netlink.attribute(_IFA_LOCAL, ip.packed)
        + netlink.attribute(_IFA_ADDRESS, ip.packed)
        + extra
    )
    with NetlinkSocket(netlink.NETLINK_ROUTE) as kernel:
        kernel.ask(Message(kind, body, netlink.ACK | flags))
