"""Removes every trace of nodens and of a dead node-cache from a node, and says what it found.

A living agent's things stay, unless forced: a table with an owner and a tun link exist only while somebody holds them;
a dummy link, sets and iptables rules are a living agent's if one of their addresses has a socket bound to it, and
perhaps one's if there is a socket on all addresses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from nodens.errors import NetworkError
from nodens.network import holders, ipset, link, nft
from nodens.network.iptables import deletions, every_iptables
from nodens.network.model import IPV6, LinkKind
from nodens.network.rules import restore_text
from nodens.network.saved import steers_for_ever

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nodens.network.iptables import Iptables
    from nodens.network.saved import SavedRule

_OURS_KINDS: Final = frozenset(LinkKind)
_FAMILIES: Final = (4, 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One trace. `kept` says why it still stands; empty: it is gone.

    `outlives`: rules that steer for ever, beside an agent of the same address whose own let go when it dies.
    """

    what: str
    kept: str = ""
    outlives: bool = False

    def __str__(self) -> str:
        """Render as a line of the report."""
        return f"{self.what}: kept: {self.kept}" if self.kept else f"{self.what}: removed"


@dataclass(slots=True)
class Release:
    """What was found, in the order of removal, and what failed."""

    found: list[Found] = field(default_factory=list)
    troubles: list[NetworkError] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left."""
        return not self.troubles and not any(trace.kept for trace in self.found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """How living agents are told: by who serves this port, and by the addresses of a link that somebody holds.

    Notes, on the way, the gates of rules that are kept, and the addresses whose steering lets go by itself.
    """

    port: int
    is_forced: bool
    held: frozenset[str]
    only_looks: bool = False
    kept_gates: set[str] = field(default_factory=set)
    let_go: set[str] = field(default_factory=set)

    def why_kept(self, addresses: Iterable[str]) -> str:
        """Say why what is for these addresses may be a living agent's; empty if it is not. Forced, none is."""
        asked = () if self.is_forced else tuple(dict.fromkeys(addresses))
        try:
            return self._why_kept(asked)
        except NetworkError as trouble:
            return f"whether an agent lives cannot be seen ({trouble}); `--force` removes it"

    def _why_kept(self, asked: tuple[str, ...]) -> str:
        """Say why, where it can be seen. Without addresses nobody's sockets are asked for."""
        if not asked:
            return ""
        served = holders.served(asked, self.port)
        if living := [address for address in asked if address in served or address in self.held]:
            host = f"[{living[0]}]" if ip_address(living[0]).version == IPV6 else living[0]
            return f"a living process holds or serves {host}:{self.port}"
        if not holders.overlapped(asked, self.port):
            return ""
        if holders.doors(self.port):
            return f"a living process serves port {self.port} of all addresses, and an agent's door is open"
        return f"some process serves port {self.port} of all addresses, perhaps an agent; `--force` removes it"


def release(link_name: str = "nodelocaldns", *, port: int = 53, is_forced: bool = False) -> Release:
    """Look for every trace and remove it; on an empty node this finds nothing. Rules go first, the link last."""
    return _search(link_name, _Search(port=port, is_forced=is_forced, held=_held(link_name)))


def look(link_name: str = "nodelocaldns", *, port: int = 53) -> Release:
    """Look for every trace and change nothing; what `release` would remove has no reason to be kept."""
    return _search(link_name, _Search(port=port, is_forced=False, held=_held(link_name), only_looks=True))


def _search(link_name: str, search: _Search) -> Release:
    """Take one kind of trace after the other."""
    told = Release()
    _try(told, _release_tables, search)
    for tool in every_iptables():
        for family in _FAMILIES:
            _try(told, partial(_release_rules, tool, family), search)
    _try(told, _release_sets, search)
    _try(told, partial(_release_link, link_name), search)
    return told


def _held(link_name: str) -> frozenset[str]:
    """Give the addresses of a link that exists only while a process holds it."""
    try:
        state = link.find(link_name)
    except NetworkError:
        return frozenset()  # the step that removes the link will meet the same, and tell
    return frozenset(state.addresses) if state and state.is_held else frozenset()


def _try(told: Release, step: Callable[[Release, _Search], None], search: _Search) -> None:
    """Do a step; keep its error and go on."""
    try:
        step(told, search)
    except NetworkError as error:
        told.troubles.append(error)


def _release_tables(told: Release, search: _Search) -> None:
    """Remove the nft tables that nobody owns; the kernel itself keeps those of a living owner, even if forced.

    On kernels without owners (rung 3) a table is a living agent's if one of its addresses is served.
    """
    for table in nft.tables():
        what = f"nft table inet {table.name}"
        if table.owner is not None:
            told.found.append(Found(what=what, kept=f"its owner lives (netlink port {table.owner})"))
            search.let_go.update(nft.addresses_of(table.name))
        elif why := search.why_kept(addresses := nft.addresses_of(table.name)):
            told.found.append(Found(what=what, kept=why))
            search.let_go.update(addresses if nft.empties(table.name) else ())
        elif search.only_looks or nft.remove(table.name):
            told.found.append(Found(what=what))


def _release_rules(tool: Iptables, family: int, told: Release, search: _Search) -> None:
    """Remove the twelve of every address, duplicates too; a rule that only bears our comment is reported and kept."""
    saved = tool.read(family)
    program = tool.program(family, "")
    ours = [line for line in saved.rules if line.rule is not None]
    for line in saved.rules:
        if line.rule is None and line.is_commented_as_ours:
            told.found.append(
                Found(what=f"{program}: {line.line}", kept="it has our comment, but it is not a rule we set")
            )
    by_address: dict[str, list[SavedRule]] = {}
    for line in ours:
        if line.rule:
            by_address.setdefault(line.rule.address, []).append(line)
    kept = {address: search.why_kept((address,)) for address in by_address}
    dead = [line for address, lines in by_address.items() if not kept[address] for line in lines]
    if dead and not search.only_looks:
        named = {(line.table, line.line) for line in dead}
        tool.edit(
            family,
            lambda now: restore_text((), deletions(each for each in now.rules if (each.table, each.line) in named)),
        )
    for address, lines in by_address.items():
        gates = {line.rule.gate for line in lines if line.rule and line.rule.gate}
        search.let_go.update({address} if gates else ())
        search.kept_gates.update(gates if kept[address] else ())
        told.found.append(
            Found(
                what=f"{program}: {len(lines)} rules of {address}",
                kept=kept[address],
                outlives=bool(kept[address]) and address in search.let_go and any(map(steers_for_ever, lines)),
            )
        )


def _release_sets(told: Release, search: _Search) -> None:
    """Remove the gates; that of an agent that hangs is empty, and its rules refer to it."""
    for name in ipset.sets():
        why = search.why_kept(ipset.elements(name))
        if not why and name in search.kept_gates:
            why = "rules of a living process refer to it"
        if not why and not search.only_looks:
            ipset.remove(name)
        told.found.append(Found(what=f"ipset {name}", kept=why))


def _release_link(name: str, told: Release, search: _Search) -> None:
    """Remove the link, if it is of a kind that an agent makes."""
    state = link.find(name)
    if state is None:
        return
    what = f"link {name} ({', '.join((state.kind or 'hardware', *state.addresses))})"
    kept = ""
    if not search.is_forced:
        if state.kind not in _OURS_KINDS:
            kept = f"an agent's link is of kind {' or '.join(sorted(_OURS_KINDS))}"
        elif state.is_held:
            kept = "a living process holds it"
        else:
            kept = search.why_kept(state.addresses)
    if not kept and not search.only_looks:
        link.remove(name)
    told.found.append(Found(what=what, kept=kept))
