"""Points traffic at us while we answer: steer, beat, repair, unsteer. Each step may be done again; none loops.

Borrowed addresses come before the rules and go after them. The other order would lose pods' queries: untracked, they
are not translated any more, and with no address here they have nowhere to go. While the address stands and the rules do
not, pods' queries are translated before they are routed, so they never notice it.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from nodens.errors import NetworkError
from nodens.network.drift import Touched, Watch
from nodens.network.holders import strange_sockets
from nodens.network.ipset import Gate
from nodens.network.iptables import HeldRules
from nodens.network.leftovers import Leftovers, clear_away
from nodens.network.link import Link
from nodens.network.model import LetGo, Spelling, SteeringPlan, Step, gather
from nodens.network.nft import OwnTable
from nodens.network.parts import BorrowedAddresses, Part, iptables_rules, need_iptables, table_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Collection, Iterator, Sequence


class Steered:
    """What points traffic at us, all of it. One thread at a time, but for `beat`: that may come from another.

    So no lock that a tool waits for can hold up a beat.
    """

    def __init__(self, plan: SteeringPlan, link: Link | None, table_socket: socket.socket | None = None) -> None:
        """Set up the parts of this plan's rung; change nothing yet. `table_socket` comes from the process before us."""
        self.plan = plan
        self._link = link
        self._table: OwnTable | None = None
        self._gate: Gate | None = None
        self._rules: HeldRules | None = None
        self._is_steering = False
        self._is_gone = False
        self._beating = Lock()  # a beat after the gate was shut would open it again
        rung = plan.rung
        if rung.spelling is Spelling.NFT:
            self._table = OwnTable(table_of(plan), held=table_socket)
        if rung.spelling is Spelling.IPTABLES or rung.accepts_by_iptables:
            self._rules = HeldRules(need_iptables(), iptables_rules(plan))
        if rung.spelling is Spelling.IPTABLES and rung.let_go is LetGo.TIMEOUT:
            self._gate = Gate(plan.addresses, plan.hold_ms)
        self._borrowed = BorrowedAddresses(link, plan.borrowed_addresses, plan.port) if link is not None else None

    @property
    def _parts(self) -> tuple[Part, ...]:
        """All parts, in the order of steering: ACCEPT rules before the table that steers, the gate before its rules."""
        parts: tuple[Part | None, ...] = (self._borrowed, self._gate, self._rules, self._table)
        return tuple(part for part in parts if part is not None)

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
        if self._rules is not None:
            self._rules.want(iptables_rules(self.plan))  # unsteering, or undoing a failed try, wanted fewer
        try:
            for part in self._parts:
                changed.append(part)
                if not part.ensure():
                    changed.pop()  # it was there: not ours to undo
            for gated in (self._table, self._gate):
                if gated is not None:
                    gated.beat()  # it may have been there shut, or ran out while a tool waited for its lock
        except NetworkError as error:
            for trouble in _try_each([part.release for part in reversed(changed)]):
                error.add_note(f"and while undoing it: {trouble}")
            raise
        self._is_steering = True

    def beat(self) -> None:
        """Say that queries are being answered; without beats the gate empties after the plan's hold_ms."""
        with self._beating:
            if not self._is_steering:
                return
            for part in (self._table, self._gate):
                if part is not None and self.plan.rung.let_go is not LetGo.NOTHING:
                    part.beat()

    def change(self, plan: SteeringPlan) -> None:
        """Steer by another plan of the same rung: make before break. If a step fails, the old plan is made true again.

        New borrowed addresses come first, then rules change in one transaction per spelling and family, then old ones
        go; an address that stays is steered all the time. Own addresses are the link's (`want` before, `drop` after).
        """
        if (plan.rung, plan.table_name) != (self.plan.rung, self.plan.table_name):
            raise NetworkError(Step.STEER, plan.link_name, "another rung or instance needs a restart")
        old = self.plan
        try:
            self._change(plan)
        except NetworkError as error:
            for trouble in _try_each([partial(self._change, old)]):
                error.add_note(f"and while undoing it: {trouble}")
            raise

    def _change(self, plan: SteeringPlan) -> None:
        """Make a plan true where another was."""
        if self._borrowed is not None:
            self._borrowed.come(plan.borrowed_addresses)
        old_gate, new_gate = self._gate, None
        if old_gate is not None:
            new_gate = Gate(plan.addresses, plan.hold_ms)
            new_gate.ensure()
            self._gate = new_gate  # only now: a beat needs the sets
        if self._rules is not None:
            self._rules.replace(iptables_rules(plan))
        if self._table is not None:
            self._table.load(table_of(plan))
        if old_gate is not None and new_gate is not None:
            old_gate.release(keeps=new_gate)
        if self._borrowed is not None:
            self._borrowed.go(plan.borrowed_addresses)
        self.plan = plan

    def missing(self, where: Collection[Touched] = frozenset(Touched)) -> tuple[str, ...]:
        """Say what is not as it was set; change nothing."""
        if not self._is_steering:
            return ()
        found: list[str] = []
        if self._link is not None and Touched.LINK in where:
            found += self._link.missing()
        for part in self._of(where):
            found += part.missing()
        return tuple(dict.fromkeys(found))

    def repair(self, where: Collection[Touched] = frozenset(Touched)) -> tuple[str, ...]:
        """Put back what somebody took away, try every part, and say what it was."""
        if not self._is_steering:
            return ()
        put_back: list[str] = []
        ensures = [part.ensure for part in self._of(where)]
        if self._link is not None and Touched.LINK in where:
            ensures.insert(0, self._link.ensure)  # own addresses, too
        if troubles := _try_each([partial(_note_what, ensure, put_back) for ensure in ensures]):
            raise gather(Step.STEER, self.plan.link_name, troubles)
        return tuple(dict.fromkeys(put_back))

    def _of(self, where: Collection[Touched]) -> tuple[Part, ...]:
        """The parts that are links' or rules'."""
        return tuple(
            part for part in self._parts if (Touched.LINK if part is self._borrowed else Touched.RULES) in where
        )

    def steered(self) -> dict[str, int | None]:
        """Read back which addresses are steered, and for how many milliseconds (None: no end)."""
        if not self._is_steering:
            return {}
        if self._table is not None:
            return self._table.steered()
        if self._gate is not None:
            return self._gate.steered()
        return {} if self.missing() else dict.fromkeys(self.plan.addresses)

    def clear_away(self) -> Leftovers:
        """Take away what the dead left for our addresses, and tell what stands beside us. Best after steering."""
        rules = self._rules
        found = clear_away(self.plan, rules.tool if rules is not None else None)
        if rules is not None and (count := rules.take_replaced()):
            found.go(count, f"iptables: {count} rules without a gate, replaced by ours")
        return found

    def neighbours(self) -> frozenset[str]:
        """Give the numbers of others' sockets that serve our addresses, too. Raises NetworkError: it cannot be seen."""
        return strange_sockets(self.plan.addresses, self.plan.port)

    def watch(self) -> Watch:
        """Listen for what can be taken from us. Nobody can touch an owned table, and nft's own beats are not drift."""
        tables: set[str] = set()
        legacy: frozenset[tuple[int, str]] = frozenset()
        if self._rules is not None:
            tables |= {rule.table for rule in iptables_rules(self.plan)}
            legacy = self._rules.legacy_tables()
        if self._table is not None and self.plan.rung.let_go is not LetGo.OWNER_AND_TIMEOUT:
            tables.add(self.plan.table_name)
        return Watch(tables, legacy)

    def unsteer(self) -> None:
        """Point no more queries at us. Answers under way still leave untracked, from addresses that still stand."""
        if not self._is_steering:
            return
        with self._beating:
            self._is_steering = False
        steps: list[Callable[[], object]] = []
        if self._table is not None:
            steps.append(self._table.shut)
        if self._gate is not None:
            steps.append(self._gate.shut)
        if self._rules is not None and self._gate is None:
            rules, answers = self._rules, [rule for rule in iptables_rules(self.plan) if not rule.is_query]
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
        with self._beating:
            self._is_steering, self._is_gone = False, True
        if self._table is not None:
            self._table.close()


def _note_what(ensure: Callable[[], tuple[str, ...]], put_back: list[str]) -> None:
    """Ensure, and add what had to be put back."""
    put_back += ensure()


def _try_each(steps: Sequence[Callable[[], object]]) -> tuple[NetworkError, ...]:
    """Do every step, whatever the others do; give what failed."""
    troubles = []
    for step in steps:
        try:
            step()
        except NetworkError as error:
            troubles.append(error)
    return tuple(troubles)


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
    plan: SteeringPlan, link: Link | None = None, table_socket: socket.socket | None = None
) -> Iterator[Steered]:
    """Steer while inside. To drain without loss call `unsteer` first, answer what waits, then leave."""
    steered = Steered(plan, link, table_socket)
    try:
        steered.steer()
    except NetworkError:
        steered.leave()
        raise
    try:
        yield steered
    finally:
        steered.leave() if steered.plan.is_left else steered.release()
