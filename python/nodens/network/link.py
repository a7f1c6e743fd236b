"""The link and its addresses, dummy or tun: find, ensure, release."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from nodens.network import netlink
from nodens.network.model import IPV4, IPV6, LinkKind, Step, refused
from nodens.network.netlink import Message, NetlinkSocket

if TYPE_CHECKING:
    from collections.abc import Iterable

NEWLINK: Final = 16
_DELLINK, _GETLINK = 17, 18
_NEWADDR, _DELADDR, _GETADDR = 20, 21, 22
_IFLA_IFNAME, _IFLA_LINKINFO, _INFO_KIND = 3, 18, 1
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS = 1, 2, 8
# No duplicate address detection: on a link that is down it would never end, and the address stay tentative.
_NODAD: Final = 0x02
_LINK: Final = struct.Struct("=BxHiII")
_ADDRESS: Final = struct.Struct("=BBBBI")
_TUN_PATH: Final = "/dev/net/tun"
_TUNSETIFF: Final = 0x400454CA
_IFF_TUN, _IFF_NO_PI, _IFF_MULTI_QUEUE = 0x0001, 0x1000, 0x0100
_FAMILIES: Final = {socket.AF_INET: 4, socket.AF_INET6: 6}
_BITS: Final = {4: 32, 6: 128}


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkState:
    """What the kernel has under a name. `kind` is empty for a device that is not of a kind, such as eth0."""

    name: str
    index: int
    kind: str
    is_up: bool
    addresses: tuple[str, ...]


def find(name: str) -> LinkState | None:
    """Look a link up by its name; None if there is none."""
    try:
        with NetlinkSocket(netlink.NETLINK_ROUTE) as kernel:
            wish = _LINK.pack(0, 0, 0, 0, 0) + netlink.text(_IFLA_IFNAME, name)
            _, body = kernel.get(Message(_GETLINK, wish))
            told = netlink.read_attributes(body[_LINK.size :])
            about = netlink.read_attributes(told.get(_IFLA_LINKINFO, b""))
            _, _, index, flags, _ = _LINK.unpack_from(body)
            return LinkState(
                name=name,
                index=index,
                kind=netlink.read_text(about.get(_INFO_KIND, b"")),
                is_up=bool(flags & 1),
                addresses=_addresses(kernel, index),
            )
    except OSError as error:
        if error.errno == errno.ENODEV:
            return None
        raise refused(Step.CHECK_LINK, name, error) from error


def _addresses(kernel: NetlinkSocket, index: int) -> tuple[str, ...]:
    """Give the host addresses of a link, both families, in the kernel's order."""
    found = []
    for _, body in kernel.dump(Message(_GETADDR, _ADDRESS.pack(socket.AF_UNSPEC, 0, 0, 0, 0))):
        family, bits, _, _, at = _ADDRESS.unpack_from(body)
        if at != index or bits != _BITS.get(_FAMILIES.get(socket.AddressFamily(family), 0)):
            continue
        told = netlink.read_attributes(body[_ADDRESS.size :])
        found.append(str(ip_address(told.get(_IFA_LOCAL) or told[_IFA_ADDRESS])))
    return tuple(found)


def dummy_wish(name: str) -> bytes:
    """Compose the wish for a dummy link."""
    about = netlink.nested(_IFLA_LINKINFO, netlink.attribute(_INFO_KIND, LinkKind.DUMMY.encode()))
    return _LINK.pack(0, 0, 0, 0, 0) + netlink.text(_IFLA_IFNAME, name) + about


def add_dummy(name: str) -> None:
    """Make a dummy link as the original does: it is never set up."""
    with NetlinkSocket(netlink.NETLINK_ROUTE) as kernel:
        kernel.ask(Message(NEWLINK, dummy_wish(name), netlink.ACK | netlink.CREATE | netlink.EXCL))


def attach_tun(name: str) -> int:
    """Make a tun link, or join one that is there; it goes when the last descriptor is closed.

    More than one queue, so that a successor can hold it beside us. It is never set up, so no packet comes out of it.
    """
    descriptor = os.open(_TUN_PATH, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        wish = struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI | _IFF_MULTI_QUEUE)
        fcntl.ioctl(descriptor, _TUNSETIFF, wish)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def remove(name: str) -> bool:
    """Delete a link by its name; False if there was none."""
    body = _LINK.pack(0, 0, 0, 0, 0) + netlink.text(_IFLA_IFNAME, name)
    try:
        with NetlinkSocket(netlink.NETLINK_ROUTE) as kernel:
            kernel.ask(Message(_DELLINK, body, netlink.ACK))
    except OSError as error:
        if error.errno == errno.ENODEV:
            return False
        raise refused(Step.REMOVE_LINK, name, error) from error
    return True


def add_addresses(index: int, addresses: Iterable[str]) -> None:
    """Give a link host addresses; those it has already stay. The first that is refused ends it."""
    for address in addresses:
        try:
            _change_address(_NEWADDR, index, address, netlink.CREATE | netlink.EXCL)
        except OSError as error:
            if error.errno == errno.EEXIST:
                continue
            is_shut = ip_address(address).version == IPV6 and error.errno in (errno.EACCES, errno.EPERM)
            hint = "is IPv6 disabled here (net.ipv6.conf.all.disable_ipv6)?" if is_shut else ""
            raise refused(Step.ADD_ADDRESS, address, error, hint) from error


def remove_address(index: int, address: str) -> bool:
    """Take a host address off a link; False if it, or the link, was gone already."""
    try:
        _change_address(_DELADDR, index, address, 0)
    except OSError as error:
        if error.errno in (errno.EADDRNOTAVAIL, errno.ENODEV):
            return False
        raise refused(Step.REMOVE_ADDRESS, address, error) from error
    return True


def _change_address(kind: int, index: int, text: str, flags: int) -> None:
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


class Link:
    """A link that is held: it carries the addresses that are wanted of it now."""

    def __init__(self, name: str, kind: LinkKind, *, tun: int | None = None) -> None:
        """Hold nothing yet, or a tun's descriptor that was handed over to us."""
        self.name = name
        self.kind = kind
        self._tun = tun
        self._wanted: tuple[str, ...] = ()

    @property
    def tun(self) -> int | None:
        """The descriptor that keeps a tun alive, to hand over."""
        return self._tun

    @property
    def wanted(self) -> tuple[str, ...]:
        """The addresses it is to carry."""
        return self._wanted

    def want(self, *addresses: str) -> None:
        """Carry these addresses, too, from now on."""
        self._wanted = tuple(dict.fromkeys((*self._wanted, *(str(ip_address(a)) for a in addresses))))
        self.ensure()

    def drop(self, *addresses: str) -> None:
        """Carry these addresses no longer."""
        gone = {str(ip_address(address)) for address in addresses}
        self._wanted = tuple(address for address in self._wanted if address not in gone)
        state = find(self.name)
        if state is not None:
            for address in gone:
                remove_address(state.index, address)

    def missing(self) -> tuple[str, ...]:
        """Say what should be there and is not: the link's name, or addresses."""
        state = find(self.name)
        if state is None:
            return (self.name, *self._wanted)
        return tuple(address for address in self._wanted if address not in state.addresses)

    def ensure(self) -> tuple[str, ...]:
        """Make true what is wanted; say what had to be put back."""
        state = find(self.name)
        put_back: tuple[str, ...] = ()
        if state is None or (self.kind is LinkKind.TUN and self._tun is None):
            put_back = () if state else (self.name,)
            self._make(state)
            state = find(self.name)
        if state is None:
            raise refused(Step.CHECK_LINK, self.name, OSError(errno.ENODEV, "it vanished while addresses were added"))
        gone = tuple(address for address in self._wanted if address not in state.addresses)
        add_addresses(state.index, gone)
        return put_back + gone

    def _make(self, state: LinkState | None) -> None:
        """Make the link, or join a tun that is there."""
        if state is not None and state.kind != LinkKind.TUN:
            # Somebody's link bears our name: a dead agent's dummy serves as well, and goes with us.
            if state.kind == LinkKind.DUMMY:
                self.kind = LinkKind.DUMMY
                return
            told = OSError(errno.EEXIST, f"a link of this name is there, of kind `{state.kind or 'hardware'}`")
            raise refused(Step.ADD_LINK, self.name, told)
        try:
            if self.kind is LinkKind.DUMMY:
                add_dummy(self.name)
                return
            self._close()
            self._tun = attach_tun(self.name)
        except OSError as error:
            raise refused(Step.ADD_LINK, self.name, error) from error

    def release(self) -> None:
        """Let the link go: a dummy is deleted, of a tun our hold is given up, so that a successor's stays."""
        self._wanted = ()
        if self.kind is LinkKind.TUN:
            self._close()
        else:
            remove(self.name)

    def leave(self) -> None:
        """Give up our hold and change nothing else (a tun that nobody else holds goes all the same)."""
        self._close()

    def _close(self) -> None:
        """Close the tun's descriptor."""
        if self._tun is not None:
            os.close(self._tun)
            self._tun = None
