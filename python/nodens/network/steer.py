"""Points traffic at us while we answer: steer, beat, repair, unsteer. Each step may be done again; none loops.

Borrowed addresses come before the rules and go after them. The other order would lose pods' queries: untracked, they
are not translated any more, and with no address here they have nowhere to go. While the address stands and the rules do
not, pods' queries are translated before they are routed, so they never notice it.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Protocol

from nodens.errors import NetworkError
from nodens.network.drift import Watch
from nodens.network.ipset import Gate
from nodens.network.iptables import HeldRules, find_iptables
from nodens.network.link import Link
from nodens.network.model import LetGo, Rung, Spelling, SteeringPlan, Step, gather
from nodens.network.nft import OwnTable
from nodens.network.rules import Target, gated, nft_table, rules_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Sequence

    from nodens.network.iptables import Iptables
    from nodens.network.rules import NftTable, Rule
    from nodens.plan import NetworkPlan


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

    def __init__(self, link: Link, addresses: tuple[str, ...]) -> None:
        """Add none yet."""
        self._link = link
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

    def release(self) -> None:
        """Take them off the link."""
        self._link.drop(*self._addresses)


class Steered:
    """What points traffic at us, all of it. One thread at a time."""

    def __init__(self, plan: SteeringPlan, link: Link | None, table_socket: socket.socket | None = None) -> None:
        """Set up the parts of this plan's rung; change nothing yet. `table_socket` comes from the process before us."""
        self.plan = plan
        self._link = link
        self._table: OwnTable | None = None
        self._gate: Gate | None = None
        self._rules: HeldRules | None = None
        self._is_steering = False
        self._is_gone = False
        rung = plan.rung
        if rung.spelling is Spelling.NFT:
            self._table = OwnTable(_table_of(plan), held=table_socket)
        if rung.spelling is Spelling.IPTABLES or rung.accepts_by_iptables:
            self._rules = HeldRules(_need_iptables(), _iptables_rules(plan))
        if rung.spelling is Spelling.IPTABLES and rung.let_go is LetGo.TIMEOUT:
            self._gate = Gate(plan.addresses, plan.hold_ms)
        borrowed = BorrowedAddresses(link, plan.borrowed_addresses) if link and plan.borrowed_addresses else None
        # ACCEPT in iptables before the table that steers; the gate before the rules that name it.
        parts: tuple[Part | None, ...] = (borrowed, self._gate, self._rules, self._table)
        self._parts = tuple(part for part in parts if part is not None)

    @property
    def is_steering(self) -> bool:
        """Whether queries are pointed at us, as far as we know."""
        return self._is_steering

    @property
    def table(self) -> OwnTable | None:
        """The nft table, whose descriptor is handed over."""
        return self._table

    def steer(self) -> None:
        """Point traffic at us. A step that fails: undo those done, then raise; the node is as before."""
        changed: list[Part] = []
        if self._table is not None:
            self._table.claim()
        try:
            for part in self._parts:
                changed.append(part)
                if not part.ensure():
                    changed.pop()  # it was there: not ours to undo
            if self._table is not None:
                self._table.beat()  # it may have been there with its gate shut
        except NetworkError as error:
            for trouble in _try_each([part.release for part in reversed(changed)]):
                error.add_note(f"and while undoing it: {trouble}")
            raise
        self._is_steering = True

    def beat(self) -> None:
        """Say that queries are being answered; without beats the gate empties after the plan's hold_ms."""
        if not self._is_steering:
            return
        for part in (self._table, self._gate):
            if part is not None and self.plan.rung.let_go is not LetGo.NOTHING:
                part.beat()

    def missing(self) -> tuple[str, ...]:
        """Say what is not as it was set; change nothing."""
        if not self._is_steering:
            return ()
        found = list(self._link.missing()) if self._link is not None else []
        for part in self._parts:
            found += part.missing()
        return tuple(dict.fromkeys(found))

    def repair(self) -> tuple[str, ...]:
        """Put back what somebody took away, try every part, and say what it was."""
        if not self._is_steering:
            return ()
        put_back: list[str] = []
        ensures = [part.ensure for part in self._parts]
        if self._link is not None:
            ensures.insert(0, self._link.ensure)  # own addresses, too
        if troubles := _try_each([partial(_note_what, ensure, put_back) for ensure in ensures]):
            raise gather(Step.STEER, self.plan.link_name, troubles)
        return tuple(dict.fromkeys(put_back))

    def steered(self) -> dict[str, int | None]:
        """Read back which addresses are steered, and for how many milliseconds (None: no end)."""
        if not self._is_steering:
            return {}
        if self._table is not None:
            return self._table.steered()
        if self._gate is not None:
            return self._gate.steered()
        return {} if self.missing() else dict.fromkeys(self.plan.addresses)

    def watch(self) -> Watch:
        """Listen for what can be taken from us. Nobody can touch an owned table, and nft's own beats are not drift."""
        tables: set[str] = set()
        if self._rules is not None:
            tables |= {rule.table for rule in _iptables_rules(self.plan)}
        if self._table is not None and self.plan.rung.let_go is not LetGo.OWNER_AND_TIMEOUT:
            tables.add(self.plan.table_name)
        return Watch(tables)

    def unsteer(self) -> None:
        """Point no more queries at us. Answers under way still leave untracked, from addresses that still stand."""
        if not self._is_steering:
            return
        self._is_steering = False
        steps: list[Callable[[], object]] = []
        if self._table is not None:
            steps.append(self._table.shut)
        if self._gate is not None:
            steps.append(self._gate.shut)
        if self._rules is not None and self._gate is None:
            rules, answers = self._rules, [rule for rule in _iptables_rules(self.plan) if not rule.is_query]
            steps.append(lambda: rules.replace(answers))
        if troubles := _try_each(steps):
            raise gather(Step.UNSTEER, self.plan.link_name, troubles)

    def release(self) -> None:
        """Take everything away, in reverse; try every part, then say all that failed. Once is enough, twice is fine."""
        if self._is_gone:
            return
        troubles = _try_each([self.unsteer, *(part.release for part in reversed(self._parts))])
        self.leave()
        if troubles:
            raise gather(Step.UNSTEER, self.plan.link_name, troubles)

    def leave(self) -> None:
        """Give up our hold and change nothing: for a successor that has taken over, or `-skipteardown`."""
        self._is_steering, self._is_gone = False, True
        if self._table is not None:
            self._table.close()


def _table_of(plan: SteeringPlan) -> NftTable:
    """The plan's nft table, as its rung can have it."""
    let_go = plan.rung.let_go
    return nft_table(
        plan,
        has_owner=let_go is LetGo.OWNER_AND_TIMEOUT,
        hold_ms=None if let_go is LetGo.NOTHING else plan.hold_ms,
    )


def _iptables_rules(plan: SteeringPlan) -> tuple[Rule, ...]:
    """The rules that go through iptables on the plan's rung."""
    rules = rules_of(plan)
    if plan.rung.spelling is Spelling.NFT:
        return tuple(rule for rule in rules if rule.target is Target.ACCEPT)
    return gated(rules) if plan.rung.let_go is LetGo.TIMEOUT else rules


def _note_what(ensure: Callable[[], tuple[str, ...]], put_back: list[str]) -> None:
    """Ensure, and add what had to be put back."""
    put_back += ensure()


def _need_iptables() -> Iptables:
    """Find iptables, or say that it went."""
    tool = find_iptables()
    if tool is None:
        raise NetworkError(Step.STEER, "iptables", "no such program")
    return tool


def _try_each(steps: Sequence[Callable[[], object]]) -> tuple[NetworkError, ...]:
    """Do every step, whatever the others do; give what failed."""
    troubles = []
    for step in steps:
        try:
            step()
        except NetworkError as error:
            troubles.append(error)
    return tuple(troubles)


def _without_rung(plan: NetworkPlan) -> SteeringPlan:
    """Make a plan that changes nothing."""
    return SteeringPlan(
        own_addresses=plan.own_addresses,
        borrowed_addresses=plan.borrowed_addresses,
        rung=Rung(
            number=0,
            spelling=None,
            let_go=LetGo.NOTHING,
            link=None,
            accepts_by_iptables=False,
            reason="none chosen",
        ),
        instance="none",
    )


@contextmanager
def holding(plan: SteeringPlan, tun: int | None = None) -> Iterator[Link | None]:
    """Hold the link with our own addresses; None where the link is not ours to set. `tun` comes from a predecessor."""
    if plan.rung.link is None:
        yield None
        return
    link = Link(plan.link_name, plan.rung.link, tun=tun)
    try:
        link.want(*plan.own_addresses)
    except NetworkError:
        link.release()
        raise
    try:
        yield link
    finally:
        link.leave() if plan.is_left else link.release()


@contextmanager
def steering(
    plan: SteeringPlan | NetworkPlan, link: Link | None = None, table_socket: socket.socket | None = None
) -> Iterator[Steered]:
    """Steer while inside. To drain without loss call `unsteer` first, answer what waits, then leave.

    A NetworkPlan names no rung yet: with it nothing on the node is changed.
    """
    steered = Steered(plan if isinstance(plan, SteeringPlan) else _without_rung(plan), link, table_socket)
    try:
        steered.steer()
    except NetworkError:
        steered.leave()
        raise
    try:
        yield steered
    finally:
        steered.leave() if steered.plan.is_left else steered.release()
