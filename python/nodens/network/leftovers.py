"""Rules for our addresses that are not ours: a dead agent's are taken away, a living one's are told of.

A node-cache that was killed leaves rules that no dead-man's switch gates. Beside ours nobody notices them, and when we
die or hang they keep pods from cluster DNS. They go while our own steering stands, so no packet is without a rule; and
also while traffic is withheld from us, and once it has been pointed away: then pods are cluster DNS's at once. In any
case only while no process but this one serves their addresses, so that nobody is left whose they could be; where that
cannot be seen they stay.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from nodens.errors import NetworkError
from nodens.network import holders, ipset, nft
from nodens.network.iptables import Iptables, deletions, every_iptables
from nodens.network.model import LetGo, Spelling
from nodens.network.parts import iptables_rules
from nodens.network.rules import gate_name, restore_text
from nodens.network.saved import steers_for_ever

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nodens.network.model import SteeringPlan
    from nodens.network.rules import Rule
    from nodens.network.saved import Saved

_FAMILIES: Final = (4, 6)


@dataclass(slots=True)
class Leftovers:
    """What one look found: rules that went, and rules that stand and would outlive us, each with their kinds."""

    removed: int = 0
    standing: int = 0
    removed_kinds: list[str] = field(default_factory=list)
    standing_kinds: list[str] = field(default_factory=list)
    whys: list[str] = field(default_factory=list)
    troubles: list[NetworkError] = field(default_factory=list)
    unseen: str = ""  # why rules that may be there cannot be looked at

    def go(self, count: int, kind: str) -> None:
        """Note rules that went."""
        self.removed += count
        self.removed_kinds.append(kind)

    def stay(self, count: int, kind: str, why: str) -> None:
        """Note rules that stand, and why."""
        self.standing += count
        self.standing_kinds.append(kind)
        if why not in self.whys:
            self.whys.append(why)


def clear_away(plan: SteeringPlan, tool: Iptables | None) -> Leftovers:
    """Take away what the dead left for this plan's addresses; `tool` is the iptables that carries rules of ours.

    Raises nothing: what cannot be read or removed is told. On a node where nobody uses iptables no program is run.
    """
    found = Leftovers()
    steps: list[Callable[[], None]] = [partial(_clear_tables, plan, found)]
    if not (tools := every_iptables()) and any(
        Iptables(flavour=flavour).may_hold_raw(family) for flavour in ("nft", "legacy") for family in _FAMILIES
    ):
        found.unseen = "the kernel has a table `raw`, and there is no iptables program to read it"
    for each in tools:
        ours = iptables_rules(plan) if tool == each else ()
        steps += [partial(_clear_rules, plan, each, family, ours, found) for family in _FAMILIES]
    steps.append(partial(_clear_sets, plan, found))
    for step in steps:
        try:
            step()
        except NetworkError as trouble:
            found.troubles.append(trouble)
    return found


def _why_kept(plan: SteeringPlan, addresses: Sequence[str], found: Leftovers) -> str:
    """Say why rules of these addresses are not ours to remove; empty if they are a dead agent's, and may go."""
    if plan.rung.spelling is None:
        return "rules are not ours to set (-setupiptables=false)"
    if plan.is_left:
        return "asked to leave rules behind (-skipteardown)"
    try:
        others = holders.strangers(addresses, plan.port)
    except NetworkError as trouble:
        found.troubles.append(trouble)
        return str(trouble)  # who cannot be seen may live
    return f"another process serves {others[0]} port {plan.port}, too" if others else ""


def _clear_rules(plan: SteeringPlan, tool: Iptables, family: int, ours: Sequence[Rule], found: Leftovers) -> None:
    """Take away the twelve of our addresses in one iptables, but for ours."""
    if not tool.may_hold_raw(family):
        return
    try:
        saved = tool.read(family)
    except NetworkError as trouble:
        found.unseen = str(trouble)  # no CAP_NET_RAW for the legacy one, say: no trouble of ours, unless we use it
        return
    lines = [
        line for line in saved.rules if line.rule and line.rule.address in plan.addresses and line.rule not in ours
    ]
    for address in dict.fromkeys(line.rule.address for line in lines if line.rule):
        of_address = [line for line in lines if line.rule and line.rule.address == address]
        kind = f"{tool.program(family, '')}: {len(of_address)} rules of {address}"
        why = _why_kept(plan, (address,), found)
        if not why:
            try:
                tool.edit(family, partial(_deletions_of, frozenset(line.line for line in of_address)))
            except NetworkError as trouble:
                why = str(trouble)
                found.troubles.append(trouble)
            else:
                found.go(len(of_address), kind)
        if why and any(map(steers_for_ever, of_address)):
            found.stay(len(of_address), kind, why)


def _deletions_of(lines: frozenset[str], saved: Saved) -> str:
    """Compose the transaction that takes away those of these lines that stand."""
    return restore_text((), deletions(line for line in saved.rules if line.rule and line.line in lines))


def _clear_tables(plan: SteeringPlan, found: Leftovers) -> None:
    """Take away the tables that the kernel does not: of agents on rungs without an owner."""
    for table in nft.tables():
        if table.owner is not None or table.name == plan.table_name:
            continue
        addresses = nft.addresses_of(table.name)
        if not addresses or not set(addresses) <= set(plan.addresses):
            continue  # not of an agent, or of one that serves more than we
        count, kind = nft.count_rules(table.name), f"nft table inet {table.name}"
        why = _why_kept(plan, addresses, found)
        if not why:
            nft.remove(table.name)
            found.go(count, kind)
        elif not nft.empties(table.name):
            found.stay(count, kind, why)


def _clear_sets(plan: SteeringPlan, found: Leftovers) -> None:
    """Take away the gate of a dead agent's rules, once they are gone."""
    uses_gates = plan.rung.spelling is Spelling.IPTABLES and plan.rung.let_go is LetGo.TIMEOUT
    if uses_gates or not found.removed:
        return
    gates = {gate_name(family) for family in _FAMILIES}
    for name in gates & set(ipset.sets()):
        if not _why_kept(plan, plan.addresses, found):
            ipset.remove(name, if_unused=True)
