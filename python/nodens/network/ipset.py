"""The dead-man's switch of the iptables rungs: ipsets whose elements run out. Spoken raw, as nft is.

A beat is one message per address and no process. The sets are shared by all agents of a node, as the rules are.
"""

from __future__ import annotations

import errno
import struct
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Final

from nodens.network import netlink
from nodens.network.model import IPV4, PREFIX, Step, refused
from nodens.network.netlink import Message, NetlinkSocket, attribute, nested, text
from nodens.network.rules import gate_name

if TYPE_CHECKING:
    from collections.abc import Iterator

_SUBSYSTEM: Final = 6 << 8
_CREATE, _DESTROY, _FLUSH, _LIST, _ADD = (_SUBSYSTEM | command for command in (2, 3, 4, 7, 9))
_PROTOCOL: Final = 6  # the oldest that is still spoken; it says all we need
_NET_ORDER: Final = 0x4000
_SETNAME, _TYPENAME, _REVISION, _FAMILY, _DATA, _ADT = 2, 3, 4, 5, 7, 8
_IP, _TIMEOUT = 1, 6
_INET, _INET6 = 2, 10
BUSY: Final = 4100
# ipset's own errnos, from 4096 on: <linux/netfilter/ipset/ip_set.h>. Those of its types and its extras are not ours.
TOLD: Final = {
    4097: "the kernel speaks another version of ipset's protocol",
    4098: "the kernel has no set of type hash:ip",
    4099: "there are as many sets as the kernel allows",
    BUSY: "a rule still refers to it",
    4101: "a set of the new name is there",
    4102: "a set of another type has this name",
    4103: "it is there already, or is not there",
    4104: "the prefix is not one",
    4105: "the netmask is not one",
    4106: "a set of the other address family has this name",
    4107: "the set was made without a timeout",
    4108: "another set refers to it",
    4109: "an IPv4 address was expected",
    4110: "an IPv6 address was expected",
    4111: "the set was made without counters",
    4112: "the set was made without comments",
}


def _head(name: str = "") -> bytes:
    """What each message begins with."""
    head = struct.pack(">BBH", _INET, 0, 0) + attribute(1, bytes([_PROTOCOL]))
    return head + text(_SETNAME, name) if name else head


def _u32(kind: int, value: int) -> bytes:
    """A number of four bytes, in network order."""
    return attribute(kind | _NET_ORDER, struct.pack(">I", value))


def _create(name: str, family: int, hold_s: int) -> Message:
    """Make a set of addresses that run out; nothing is wrong if it is there as wanted."""
    body = (
        _head(name)
        + text(_TYPENAME, "hash:ip")
        + attribute(_REVISION, b"\0")
        + attribute(_FAMILY, bytes([_INET if family == IPV4 else _INET6]))
        + nested(_DATA, _u32(_TIMEOUT, hold_s))
    )
    return Message(_CREATE, body, netlink.ACK)


def _add(name: str, address: str, hold_s: int) -> Message:
    """Add an address, or give it its whole time again."""
    ip = ip_address(address)
    value = nested(_IP, attribute((1 if ip.version == IPV4 else 2) | _NET_ORDER, ip.packed))
    return Message(_ADD, _head(name) + nested(_DATA, value, _u32(_TIMEOUT, hold_s)), netlink.ACK)


def sets() -> tuple[str, ...]:
    """List the sets that are ours by name; none where the kernel has no ipset."""
    return tuple(dict.fromkeys(name for name, _ in _list("") if name.startswith(PREFIX)))


def is_there() -> bool:
    """Whether this kernel has ipset, and whether we may ask it."""
    try:
        with NetlinkSocket(netlink.NETLINK_NETFILTER) as kernel:
            kernel.dump(Message(_LIST, _head()))
    except OSError as error:
        return error.errno == errno.ENOENT
    return True


def elements(name: str) -> tuple[str, ...]:
    """List the addresses of a set."""
    return tuple(address for _, found in _list(name) for address in found)


def remove(name: str, *, if_unused: bool = False) -> bool:
    """Remove a set; False if there was none, or if it may stay where a rule still refers to it."""
    try:
        with NetlinkSocket(netlink.NETLINK_NETFILTER) as kernel:
            kernel.ask(Message(_DESTROY, _head(name), netlink.ACK))
    except OSError as error:
        if error.errno == errno.ENOENT or (if_unused and error.errno == BUSY):
            return False
        raise refused(Step.REMOVE_SET, name, in_words(error)) from error
    return True


def make(name: str, family: int, hold_s: int = 1) -> None:
    """Make an empty set; nothing is wrong if it is there as wanted."""
    try:
        with NetlinkSocket(netlink.NETLINK_NETFILTER) as kernel:
            kernel.ask(_create(name, family, hold_s))
    except OSError as error:
        raise refused(Step.MAKE_SET, name, in_words(error)) from error


def _list(name: str) -> Iterator[tuple[str, dict[str, int]]]:
    """List sets with their addresses and the seconds these have left; a set of many addresses comes in pieces."""
    try:
        with NetlinkSocket(netlink.NETLINK_NETFILTER) as kernel:
            told = kernel.dump(Message(_LIST, _head(name)))
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EINVAL, errno.EOPNOTSUPP):
            return  # no such set, or no ipset in this kernel
        raise refused(Step.READ_SET, name or "ipset", in_words(error)) from error
    for _, body in told:
        about = netlink.read_attributes(body[4:])
        found = {}
        for _, data in netlink.each_attribute(about.get(_ADT, b"")):
            element = netlink.read_attributes(data)
            raw = netlink.read_attributes(element.get(_IP, b""))
            address = IPv4Address(raw[1]) if 1 in raw else IPv6Address(raw[2])
            found[str(address)] = struct.unpack(">I", element[_TIMEOUT])[0] if _TIMEOUT in element else 0
        yield netlink.read_text(about.get(_SETNAME, b"")), found


def in_words(error: OSError) -> OSError:
    """Put ipset's own error numbers into words."""
    return OSError(error.errno, TOLD.get(error.errno or 0, error.strerror))


class Gate:
    """The sets of a plan: one per family, each with that family's addresses."""

    def __init__(self, addresses: tuple[str, ...], hold_ms: int) -> None:
        """Make nothing yet. ipset counts whole seconds."""
        self._by_set: dict[str, tuple[str, ...]] = {}
        for address in addresses:
            name = gate_name(ip_address(address).version)
            self._by_set[name] = (*self._by_set.get(name, ()), address)
        self._hold_s = max(1, round(hold_ms / 1000))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the sets."""
        return tuple(self._by_set)

    def ensure(self) -> tuple[str, ...]:
        """Make the sets and fill them; say which were not there."""
        gone = self.missing()
        for name, addresses in self._by_set.items():
            make(name, ip_address(addresses[0]).version, self._hold_s)
        self.beat()
        return gone

    def missing(self) -> tuple[str, ...]:
        """Say which sets are not there."""
        there = sets()
        return tuple(f"ipset {name}" for name in self._by_set if name not in there)

    def beat(self) -> None:
        """Give all addresses their whole time again."""
        try:
            with NetlinkSocket(netlink.NETLINK_NETFILTER) as kernel:
                for name, addresses in self._by_set.items():
                    for address in addresses:
                        kernel.ask(_add(name, address, self._hold_s))
        except OSError as error:
            raise refused(Step.BEAT, ", ".join(self._by_set), in_words(error)) from error

    def shut(self) -> None:
        """Steer no more queries, now."""
        try:
            with NetlinkSocket(netlink.NETLINK_NETFILTER) as kernel:
                for name in self._by_set:
                    kernel.ask(Message(_FLUSH, _head(name), netlink.ACK))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise refused(Step.BEAT, ", ".join(self._by_set), in_words(error)) from error

    def steered(self) -> dict[str, int | None]:
        """Read back which addresses are steered now, and for how many milliseconds."""
        return {
            address: left * 1000 for name in self._by_set for _, found in _list(name) for address, left in found.items()
        }

    def release(self, keeps: Gate | None = None) -> None:
        """Remove the sets, but those that another gate, or a neighbour's rules, still use; gone is fine."""
        for name in self._by_set:
            if keeps is None or name not in keeps.names:
                remove(name, if_unused=True)
