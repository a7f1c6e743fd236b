"""What this life holds on the node: the link with our own addresses, and what points traffic at us.

Entered before sockets are bound, left after the last answer. Everything here may be asked from the keeper's thread and,
when that has ended, from the life loop's.
"""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, Self

from nodens import network
from nodens.errors import NetworkError
from nodens.lifecycle.clearing import Clearing
from nodens.observe import (
    SETUP_ERRORS,
    STEERING_REPAIRED,
    STEERING_RUNG,
    Withheld,
    begin_steering,
    tell_steering,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from nodens.lifecycle.estate import Estate
    from nodens.network import Link, Rung, Steered, SteeringPlan
    from nodens.observe import Log, Numbers
    from nodens.plan import NetworkPlan

_INSTANCE_BYTES: Final = 4  # two agents of one node must not meet; pids of containers do


def steering_plan(plan: NetworkPlan, rung: Rung, instance: str = "") -> SteeringPlan:
    """Settle what is held and pointed at us, on this rung, under a name of our own."""
    return network.SteeringPlan(
        own_addresses=plan.own_addresses,
        borrowed_addresses=plan.borrowed_addresses,
        rung=rung,
        instance=instance or os.urandom(_INSTANCE_BYTES).hex(),
        port=plan.port,
        health_port=plan.health_port,
        link_name=plan.link_name,
        is_left=plan.is_left,
    )


class Ground:
    """Link and rules of this life. A context manager: entering holds our own addresses, leaving lets everything go.

    Until `settle` it is a try: leaving undoes what entering did, and no more. What another process lent is still its
    own, and so is what was on the node before.

    `is_left`: leaving changes nothing on the node, for `-skipteardown` or a successor that has said that it has all. An
    agent that merely lives on the same addresses is no reason to leave rules behind: alive, it puts them back within a
    second, and cluster DNS answers meanwhile; dead, nobody would. `troubles`: what failed on the way out; each was
    reported, and the rest went on.
    """

    def __init__(self, plan: SteeringPlan, log: Log, numbers: Numbers, estate: Estate | None = None) -> None:
        """Hold nothing yet, or what the process before us gave."""
        self.plan = plan
        self.is_left = plan.is_left
        self._is_settled = False
        self._were_there: tuple[str, ...] | None = None  # the addresses of a link that was not made by us
        self._tun = estate.tun if estate else None
        held = estate.table if estate else None
        self._table_socket = None if held is None else socket.socket(fileno=held)
        self.troubles: list[NetworkError] = []
        self.steered: Steered | None = None
        self.link: Link | None = None
        self._log = log
        self._numbers = numbers
        self._clearing = Clearing(log, numbers, self.count)
        self._has_looked_last = False

    def __enter__(self) -> Self:
        """Hold the link with our own addresses. Raises NetworkError; then the node is as before."""
        rung = self.plan.rung
        if rung.link is not None:
            self.link = network.Link(self.plan.link_name, rung.link, tun=self._tun)
        self.steered = network.Steered(self.plan, self.link, self._table_socket)
        if self.link is not None:
            state = network.find_link(self.plan.link_name)
            self._were_there = state.addresses if state else None
            try:
                self.link.want(*self.plan.own_addresses)
            except NetworkError:
                self._undo(self.link)
                raise
            self._log.info(f"Added interface - {self.plan.link_name}")
        if ipvs := network.held_by_ipvs(self.plan.addresses):
            self._log.warning(
                f"{', '.join(ipvs)} is on kube-ipvs0, too: kube-proxy's IPVS takes its packets, whatever rules we set\n"
                "hint: in IPVS mode give -localip the link-local address alone, and name it in the kubelet's clusterDNS"
            )
        begin_steering(self._numbers)
        self._numbers.put(STEERING_REPAIRED, value=0)
        self._numbers.put(STEERING_RUNG, rung.link or "", rung.spelling or "", value=rung.number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the rules go, then the link; or leave both to whoever comes."""
        if not self._is_settled:
            if self.steered:
                self.attempt(self.steered.leave)
            if self.link:
                self.attempt(partial(self._undo, self.link))
            return
        if not self.is_left:
            self._log.info("Tearing down")
            self._clear_for_good()
        if steered := self.steered:
            self.attempt(steered.leave if self.is_left else steered.release)
        if link := self.link:
            self.attempt(link.leave if self.is_left else link.release)

    def settle(self) -> None:
        """From now on it is ours: what is here goes when we go."""
        self._is_settled = True

    def _undo(self, link: Link) -> None:
        """Take away what we have put on the node, and leave what was there."""
        if self._were_there is None:
            link.release()
            return
        came = tuple(address for address in link.wanted if address not in self._were_there)
        if came:
            link.drop(*came)
        link.leave()

    def borrow(self, addresses: tuple[str, ...]) -> None:
        """Point traffic to these borrowed addresses at us from now on, and to no others: make before break.

        Raises NetworkError; then it is as it was.
        """
        plan = replace(self.plan, borrowed_addresses=addresses)
        if (steered := self.steered) and steered.is_steering:
            steered.change(plan)
        elif steered:
            steered.leave()
            self.steered = network.Steered(plan, self.link)
        self.plan = plan

    def clear_away(self) -> None:
        """Take away rules that a dead agent left for our addresses, and tell of those that stand beside ours."""
        if self.steered:
            self._clearing.look(self.steered)

    def _clear_for_good(self) -> None:
        """Look once more if rules beside ours stood: whose they were may have died meanwhile. What stays is told."""
        if not (self.steered and self._clearing.is_anything_left):
            return
        for trouble in self._clearing.look(self.steered, is_last=True):
            self.troubles.append(trouble)
            self._log.error(str(trouble))

    def unsteer(self) -> None:
        """Point no more queries at us; what was asked before is still answered. Left behind: stays as it is.

        A neighbour that died since our last look left rules that would lead pods here for ever. They go now, while we
        still answer those who are led here.
        """
        if (steered := self.steered) and not self.is_left:
            self.attempt(steered.unsteer)
            if not self._has_looked_last:
                self._has_looked_last = True
                self.clear_away()
        tell_steering(self._numbers, Withheld.STOPPING)

    def attempt(self, step: Callable[[], None]) -> None:
        """Do a step of the way out; report and keep what failed."""
        try:
            step()
        except NetworkError as trouble:
            self.troubles.append(trouble)
            self.count(trouble)
            self._log.error(str(trouble))

    def count(self, trouble: NetworkError) -> None:
        """Count a trouble under its type, as the original does."""
        self._numbers.add(SETUP_ERRORS, network.error_type(trouble))
