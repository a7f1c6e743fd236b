"""What this node's kernel and tools can do for steering. Tries, and leaves nothing behind."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from nodens.errors import NetworkError
from nodens.network import holders, ipset, link, netlink, nft
from nodens.network.iptables import Iptables, can_match_sets, drops_traffic, find_iptables
from nodens.network.model import PREFIX, LinkKind
from nodens.network.netlink import Message, NetlinkSocket

if TYPE_CHECKING:
    from collections.abc import Iterable

_A_BAD_ADDRESS: Final = b"\0" * 5  # no Ethernet address: a kernel that knows the kind refuses it before it makes a link
_IFLA_ADDRESS: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """What was found. `no_tun` and `no_dummy` say why not; empty: there is one."""

    no_tun: str
    no_dummy: str
    has_owned_tables: bool
    has_tables: bool
    iptables: Iptables | None
    has_ipset: bool
    drops: bool

    def lacks(self, kind: LinkKind) -> str:
        """Say why there is no link of a kind; empty if there is."""
        return self.no_tun if kind is LinkKind.TUN else self.no_dummy


def probe(
    families: Iterable[int],
    *,
    wants_iptables: bool = False,
    leaves_no_trace: bool = False,
    link_name: str = "",
    port: int = 53,
) -> Kernel:
    """Try everything that the ladder asks about. Never fails: what cannot be tried is not there.

    A dummy link of this name that a living agent uses can be no tun: `port` tells who lives.

    ipset is tried only where it may be needed: the try makes iptables-nft keep an empty table `raw`. Who must leave no
    trace asks the kernel whether it has sets, and believes iptables to match them.
    """
    tool = find_iptables()
    has_tables = nft.has_tables()
    can_gate = (lambda _: ipset.is_there()) if leaves_no_trace else _can_gate
    has_ipset = tool is not None and (wants_iptables or not has_tables or leaves_no_trace) and can_gate(tool)
    return Kernel(
        no_tun=why_no_tun() or _who_has_a_dummy(link_name, port),
        no_dummy=why_no_dummy(),
        has_owned_tables=nft.has_owned_tables(),
        has_tables=has_tables,
        iptables=tool,
        has_ipset=has_ipset,
        drops=tool is not None and _drops(tool, families),
    )


def why_no_tun() -> str:
    """Try a tun link under a name of the kernel's choice; it goes at once."""
    try:
        os.close(link.attach_tun(PREFIX + "%d"))
    except OSError as error:
        return _in_words(error, "/dev/net/tun")
    return ""


def _who_has_a_dummy(name: str, port: int) -> str:
    """Say that a dummy link bears the name, and that its addresses are served; a dead agent's is no hindrance.

    Whoever serves counts, even by sockets that were lent to us: this is asked before we have any of our own.
    """
    try:
        state = link.find(name) if name else None
    except NetworkError:
        return ""
    if state is None or state.kind != LinkKind.DUMMY:
        return ""
    try:
        served = holders.served(state.addresses, port) or holders.overlapped(state.addresses, port)
    except NetworkError as trouble:
        return f"{name} is there as a dummy, and whose it is cannot be seen ({trouble})"
    return f"{name} is there as a dummy, and somebody serves {served[0]}" if served else ""


def why_no_dummy() -> str:
    """Ask for a dummy link that cannot be: a kernel that knows the kind finds the fault, others do not know it."""
    try:
        with NetlinkSocket(netlink.NETLINK_ROUTE) as kernel:
            wish = link.dummy_wish(PREFIX + "%d") + netlink.attribute(_IFLA_ADDRESS, _A_BAD_ADDRESS)
            kernel.ask(Message(link.NEWLINK, wish, netlink.ACK | netlink.CREATE | netlink.EXCL))
    except OSError as error:
        return "" if error.errno == errno.EINVAL else _in_words(error, "dummy")
    return ""


def _in_words(error: OSError, subject: str) -> str:
    """Say why, shortly."""
    return f"{subject}: {(error.strerror or '').lower()}"


def _can_gate(tool: Iptables) -> bool:
    """Whether this iptables can match an ipset."""
    name = f"{PREFIX}try-{os.getpid()}"
    try:
        ipset.make(name, 4)
        try:
            return can_match_sets(tool, name)
        finally:
            ipset.remove(name)
    except NetworkError:
        return False


def _drops(tool: Iptables, families: Iterable[int]) -> bool:
    """Whether the node drops; where that cannot be read, better believe so: an ACCEPT too many does no harm."""
    try:
        return drops_traffic(tool, families)
    except NetworkError:
        return True
