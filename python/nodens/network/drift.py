"""Notices that somebody took away a link, an address or rules: a reason to look, no verdict.

The kernel's events tell. Legacy iptables sends none: its tables are asked for.
"""

from __future__ import annotations

import errno
import select
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

from nodens.network import netlink
from nodens.network.legacy import LOOK_S, Tables
from nodens.network.model import Step, refused
from nodens.network.netlink import NetlinkSocket

if TYPE_CHECKING:
    from collections.abc import Collection

    from nodens.network.legacy import Place


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
    """The kernel's events about what we hold, and what legacy tables are like.

    `look_s`: how often `touched` must be asked though no descriptor woke anybody; None: never.
    """

    def __init__(self, tables: Collection[str] = (), legacy: Collection[Place] = ()) -> None:
        """Listen for links and addresses; for rules of these tables, if any, of every family; look at legacy ones."""
        self._legacy = Tables(legacy)
        self.look_s = LOOK_S if legacy else None
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
        found = {Touched.RULES} if self._legacy.have_changed() else set()
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
        end_s = time.monotonic() + limit_s
        while (left_s := end_s - time.monotonic()) > 0:
            woken, _, _ = select.select(self.filenos(), (), (), min(left_s, self.look_s or left_s))
            if (found := self.touched()) or woken:
                return found
        return frozenset()

    def _matters(self, kind: int, body: bytes) -> bool:
        """Whether an event took something away that may be ours."""
        if kind in (_DELLINK, _DELADDR):
            return True
        if kind not in _TAKEN_AWAY:
            return False
        return netlink.read_text(netlink.read_attributes(body[4:]).get(_TABLE_NAME, b"")) in self._tables
