"""What this life holds on the node: the link with our own addresses, and what points traffic at us.

Entered before sockets are bound, left after the last answer. Everything here may be asked from the keeper's thread and,
when that has ended, from the life loop's.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Final, Self

from nodens import network
from nodens.errors import NetworkError
from nodens.observe import SETUP_ERRORS, STEERED, STEERING_REPAIRED, STEERING_RUNG

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from nodens.lifecycle.handover import Estate
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

    `is_left`: leaving changes nothing on the node, for `-skipteardown` or a successor. `has_neighbour`: another agent
    lives on the same addresses; only what is ours alone goes with us. `troubles`: what failed on the way out; each was
    reported, and the rest went on.
    """

    def __init__(self, plan: SteeringPlan, log: Log, numbers: Numbers, estate: Estate | None = None) -> None:
        """Hold nothing yet, or what the process before us gave."""
        self.plan = plan
        self.is_left = plan.is_left
        self.has_neighbour: Callable[[], bool] = lambda: False
        self._tun = estate.tun if estate else None
        held = estate.table if estate else None
        self._table_socket = None if held is None else socket.socket(fileno=held)
        self.troubles: list[NetworkError] = []
        self.steered: Steered | None = None
        self.link: Link | None = None
        self._log = log
        self._numbers = numbers

    def __enter__(self) -> Self:
        """Hold the link with our own addresses. Raises NetworkError; then the node is as before."""
        rung = self.plan.rung
        if rung.link is not None:
            self.link = network.Link(self.plan.link_name, rung.link, tun=self._tun)
        self.steered = network.Steered(self.plan, self.link, self._table_socket)
        if self.link is not None:
            try:
                self.link.want(*self.plan.own_addresses)
            except NetworkError:
                self.link.release()
                raise
            self._log.info(f"Added interface - {self.plan.link_name}")
        self._numbers.put(STEERED, value=0)
        self._numbers.put(STEERING_REPAIRED, value=0)
        self._numbers.put(STEERING_RUNG, rung.link or "", rung.spelling or "", value=rung.number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the rules go, then the link; or leave both to whoever comes."""
        if not self.is_left:
            self._log.info("Tearing down")
        has_neighbour = self.has_neighbour()
        is_ours_to_clear = not (self.is_left or has_neighbour)
        if steered := self.steered:
            if has_neighbour and not self.is_left and steered.table:
                self.attempt(steered.table.release)
            self.attempt(steered.release if is_ours_to_clear else steered.leave)
        if link := self.link:
            self.attempt(link.release if is_ours_to_clear else link.leave)

    def unsteer(self) -> None:
        """Point no more queries at us; what was asked before is still answered. Left behind: stays as it is."""
        if (steered := self.steered) and not self.is_left:
            if not self.has_neighbour():
                self.attempt(steered.unsteer)
            elif steered.table and steered.is_steering:
                self.attempt(steered.table.shut)  # rules and gate of iptables are the neighbour's, too
        self._numbers.put(STEERED, value=0)

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
