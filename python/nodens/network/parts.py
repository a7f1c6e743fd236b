"""What a rung is made of: the parts that are held in the kernel, and what a plan wants of each."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from nodens.errors import NetworkError
from nodens.network.holders import strangers
from nodens.network.iptables import find_iptables
from nodens.network.model import LetGo, LinkKind, Spelling, Step
from nodens.network.rules import Target, gated, nft_table, rules_of

if TYPE_CHECKING:
    from nodens.network.iptables import Iptables
    from nodens.network.link import Link
    from nodens.network.model import SteeringPlan
    from nodens.network.rules import NftTable, Rule


class Part(Protocol):
    """A thing that is held in the kernel."""

    def ensure(self) -> tuple[str, ...]:
        """Make it true; say what had to be put back."""

    def missing(self) -> tuple[str, ...]:
        """Say what is not as wanted; change nothing."""

    def release(self) -> None:
        """Take it away; nothing is wrong if it is gone."""


class BorrowedAddresses:
    """The cluster DNS service's addresses, on our link."""

    def __init__(self, link: Link, addresses: tuple[str, ...], port: int) -> None:
        """Add none yet."""
        self._link = link
        self._port = port
        self._addresses = addresses

    def ensure(self) -> tuple[str, ...]:
        """Carry them on the link."""
        gone = self.missing()
        self._link.want(*self._addresses)
        return gone

    def missing(self) -> tuple[str, ...]:
        """Say which the link lacks."""
        lacking = self._link.missing()
        return tuple(address for address in self._addresses if address in lacking)

    def come(self, addresses: tuple[str, ...]) -> None:
        """Carry these, too; if one is refused, none."""
        coming = tuple(address for address in addresses if address not in self._addresses)
        try:
            self._link.want(*coming)
        except NetworkError:
            self._link.drop(*coming)
            raise
        self._addresses += coming

    def go(self, addresses: tuple[str, ...]) -> None:
        """Carry no others than these."""
        gone = tuple(address for address in self._addresses if address not in addresses)
        self._addresses = addresses
        self._link.drop(*gone)

    def release(self) -> None:
        """Take them off the link, but for those that another agent serves: it may hold the same tun."""
        kept: tuple[str, ...] = ()
        if self._link.kind is LinkKind.TUN:
            with suppress(OSError):
                kept = strangers(self._addresses, self._port)
        self._link.drop(*(address for address in self._addresses if address not in kept))


def table_of(plan: SteeringPlan) -> NftTable:
    """The plan's nft table, as its rung can have it."""
    let_go = plan.rung.let_go
    return nft_table(
        plan,
        has_owner=let_go is LetGo.OWNER_AND_TIMEOUT,
        hold_ms=None if let_go is LetGo.NOTHING else plan.hold_ms,
    )


def iptables_rules(plan: SteeringPlan) -> tuple[Rule, ...]:
    """The rules that go through iptables on the plan's rung."""
    rules = rules_of(plan)
    if plan.rung.spelling is Spelling.NFT:
        return tuple(rule for rule in rules if rule.target is Target.ACCEPT)
    return gated(rules) if plan.rung.let_go is LetGo.TIMEOUT else rules


def need_iptables() -> Iptables:
    """Find iptables, or say that it went."""
    tool = find_iptables()
    if tool is None:
        raise NetworkError(Step.STEER, "iptables", "no such program")
    return tool
