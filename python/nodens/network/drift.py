"""Notices by the kernel's events that somebody took away a link, an address or rules: a reason to look, no verdict."""

from __future__ import annotations

import errno
import select
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

from nodens.network import netlink
from nodens.network.model import Step, refused
from nodens.network.netlink import NetlinkSocket

if TYPE_CHECKING:
    from collections.abc import Collection


class Touched(StrEnum):
    """Where something was taken away."""

    LINK = "link"
    RULES = "rules"


_ROUTE_GROUPS: Final = (1, 5, 9)  # RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR
_NFTABLES_GROUP: Final = 7
_DELLINK, _DELADDR = 17, 21
_NFTABLES: Final = 10 << 8
_TAKEN_AWAY: Final = {_NFTABLES | 2, _NFTABLES | 5, _NFTABLES | 8, _NFTABLES | 11}  # table, chain, rule, set
_TABLE_NAME: Final = 1  # the same attribute in all four


class Watch:
    """The kernel's events about what we hold. Legacy iptables sends none: there the interval must do."""

    def __init__(self, tables: Collection[str] = ()) -> None:
        """Listen for links and addresses; and for rules of these tables, if any, of every family."""
        self._tables = frozenset(tables)
        self._sockets: dict[NetlinkSocket, Touched] = {}
        try:
            self._sockets[NetlinkSocket(netlink.NETLINK_ROUTE, _ROUTE_GROUPS)] = Touched.LINK
            if tables:
                self._sockets[NetlinkSocket(netlink.NETLINK_NETFILTER, (_NFTABLES_GROUP,))] = Touched.RULES
        except OSError as error:
            self.close()
            raise refused(Step.WATCH, "netlink", error) from error

    def __enter__(self) -> Self:
        """Use it for a while."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening."""
        self.close()

    def filenos(self) -> tuple[int, ...]:
        """Give the descriptors, for a loop that waits on other things, too."""
        return tuple(kernel.fileno() for kernel in self._sockets)

    def close(self) -> None:
        """Stop listening."""
        for kernel in self._sockets:
            kernel.close()

    def touched(self) -> frozenset[Touched]:
        """Read the events that wait, without waiting. Where the kernel lost some, everything counts as touched."""
        found = set()
        for kernel, what in self._sockets.items():
            try:
                if any(self._matters(kind, body) for kind, body in kernel.events()):
                    found.add(what)
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise refused(Step.WATCH, "netlink", error) from error
                found.add(what)
        return frozenset(found)

    def wait(self, limit_s: float) -> frozenset[Touched]:
        """Wait for an event of any kind, at most so long; then say what was touched, perhaps nothing that matters."""
        select.select(self.filenos(), (), (), limit_s)
        return self.touched()

    def _matters(self, kind: int, body: bytes) -> bool:
        """Whether an event took something away that may be ours."""
        if kind in (_DELLINK, _DELADDR):
            return True
        if kind not in _TAKEN_AWAY:
            return False
        return netlink.read_text(netlink.read_attributes(body[4:]).get(_TABLE_NAME, b"")) in self._tables
