"""The link and its addresses, dummy or tun: find, ensure, release."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from nodens.network import addresses, netlink
from nodens.network.model import LinkKind, Step, refused
from nodens.network.netlink import Message, NetlinkSocket

NEWLINK: Final = 16
_DELLINK, _GETLINK = 17, 18
_IFLA_IFNAME, _IFLA_LINKINFO, _INFO_KIND, _INFO_DATA, _TUN_PERSIST = 3, 18, 1, 2, 6
_LINK: Final = struct.Struct("=BxHiII")
_TUN_PATH: Final = "/dev/net/tun"
_TUNSETIFF: Final = 0x400454CA
_IFF_TUN, _IFF_NO_PI, _IFF_MULTI_QUEUE = 0x0001, 0x1000, 0x0100


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkState:
    """What the kernel has under a name. `kind` is empty for a device that is not of a kind, such as eth0.

    `is_held`: it is there only while some process holds it (a tun that was not made to persist).
    """

    name: str
    index: int
    kind: str
    is_up: bool
    is_held: bool
    addresses: tuple[str, ...]


def find(name: str) -> LinkState | None:
    """Look a link up by its name; None if there is none."""
    try:
        with NetlinkSocket(netlink.NETLINK_ROUTE) as kernel:
            wish = _LINK.pack(0, 0, 0, 0, 0) + netlink.text(_IFLA_IFNAME, name)
            _, body = kernel.get(Message(_GETLINK, wish))
            told = netlink.read_attributes(body[_LINK.size :])
            about = netlink.read_attributes(told.get(_IFLA_LINKINFO, b""))
            of_kind = netlink.read_attributes(about.get(_INFO_DATA, b""))
            kind = netlink.read_text(about.get(_INFO_KIND, b""))
            _, _, index, flags, _ = _LINK.unpack_from(body)
            return LinkState(
                name=name,
                index=index,
                kind=kind,
                is_up=bool(flags & 1),
                is_held=kind == LinkKind.TUN and of_kind.get(_TUN_PERSIST) != b"\x01",
                addresses=addresses.of_link(kernel, index),
            )
    except OSError as error:
        if error.errno == errno.ENODEV:
            return None
        raise refused(Step.CHECK_LINK, name, error) from error


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

    def want(self, *wanted: str) -> None:
        """Carry these addresses, too, from now on."""
        self._wanted = tuple(dict.fromkeys((*self._wanted, *(str(ip_address(a)) for a in wanted))))
        self.ensure()

    def drop(self, *unwanted: str) -> None:
        """Carry these addresses no longer."""
        gone = {str(ip_address(address)) for address in unwanted}
        self._wanted = tuple(address for address in self._wanted if address not in gone)
        state = find(self.name)
        if state is not None:
            for address in gone:
                addresses.remove(state.index, address)

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
        addresses.add(state.index, gone)
        return put_back + gone

    def _make(self, state: LinkState | None) -> None:
        """Make the link, or join a tun that is there. Where a living agent has a dummy, `probe` has ruled out a tun."""
        if state is not None and state.kind == LinkKind.DUMMY:
            remove(self.name)  # a dead agent's: it would stay when we are killed
        elif state is not None and state.kind != LinkKind.TUN:
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
