"""Bounded, open-loop load: queries leave on schedule, whether answers come or not; latency counts from the schedule.

A closed loop hides stalls (it asks less while the server sleeps); this one does not. Good for some thousand queries a
second; for more, benches/ use dnsperf.
"""

from __future__ import annotations

import math
import selectors
import socket
import struct
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nodens.errors import LabError
from nodens.lab.message import compose, query

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COUNT_LIMIT = 1_000_000  # queries in one run
SOCKETS_LIMIT = 512
GRACE_S = 3.0  # how long late answers are waited for after the last query
BUCKETS_PER_OCTAVE = 16  # of the histogram: every figure within 4.5 %


@dataclass(slots=True)
class Histogram:
    """Counts by the logarithm of microseconds; bounded, whatever comes in."""

    counts: dict[int, int] = field(default_factory=dict)
    total: int = 0
    highest_us: float = 0.0

    def note(self, us: float) -> None:
        """Count one latency."""
        place = max(0, int(BUCKETS_PER_OCTAVE * math.log2(max(us, 1.0))))
        self.counts[place] = self.counts.get(place, 0) + 1
        self.total += 1
        self.highest_us = max(self.highest_us, us)

    def quantile_us(self, share: float) -> float:
        """Give the latency that so large a share of all did not exceed."""
        wanted, seen = share * self.total, 0
        for place in sorted(self.counts):
            seen += self.counts[place]
            if seen >= wanted:
                return min(math.exp2((place + 1) / BUCKETS_PER_OCTAVE), self.highest_us)
        return self.highest_us


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What to ask: questions in turn, so many a second, for so long, from so many ports."""

    address: tuple[str, int]
    questions: Sequence[tuple[str, str]]
    rate_per_s: int
    seconds: float
    ports: int = 64
    grace_s: float = GRACE_S

    @property
    def count(self) -> int:
        """Give how many queries that is."""
        return int(self.rate_per_s * self.seconds)


@dataclass(slots=True)
class Outcome:
    """What became of it. `late` replies came after the grace; `wrong` ones failed the check."""

    sent: int = 0
    answered: int = 0
    wrong: int = 0
    strange: int = 0
    rcodes: dict[int, int] = field(default_factory=dict)
    latency: Histogram = field(default_factory=Histogram)
    behind_s: float = 0.0

    @property
    def lost(self) -> int:
        """Count the queries without an answer."""
        return self.sent - self.answered


def apply_load(
    load: Load,
    check: Callable[[bytes], bool] = bool,
    until: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Ask as planned; `check` sees every reply, `until` may end it sooner."""
    if load.count > COUNT_LIMIT or not 0 < load.ports <= SOCKETS_LIMIT:
        raise LabError(
            f"load of {load.count} queries from {load.ports} ports: limits are {COUNT_LIMIT}, {SOCKETS_LIMIT}"
        )
    run = _Run(load, check)
    try:
        run.send_all(until)
        run.drain()
    finally:
        run.close()
    return run.outcome


class _Run:
    """One run: sockets, what is under way on each (by ID), and the outcome so far."""

    def __init__(self, load: Load, check: Callable[[bytes], bool]) -> None:
        self.load = load
        self.check = check
        self.outcome = Outcome()
        self.wires = [compose(query(name, qtype))[2:] for name, qtype in load.questions]
        self.selector = selectors.DefaultSelector()
        self.sockets: list[socket.socket] = []
        self.under_way: list[dict[int, float]] = []
        family = socket.AF_INET6 if ":" in load.address[0] else socket.AF_INET
        for place in range(load.ports):
            opened = socket.socket(family, socket.SOCK_DGRAM)
            opened.settimeout(0)
            opened.connect(load.address)
            self.sockets.append(opened)
            self.under_way.append({})
            self.selector.register(opened, selectors.EVENT_READ, place)

    def send_all(self, until: Callable[[], bool]) -> None:
        """Send what is due, receive what came, look again."""
        began = time.monotonic()
        while self.outcome.sent < self.load.count and not until():
            now = time.monotonic()
            due = min(self.load.count, int((now - began) * self.load.rate_per_s) + 1)
            while self.outcome.sent < due:
                self._send(self.outcome.sent, began + self.outcome.sent / self.load.rate_per_s)
            self.outcome.behind_s = max(self.outcome.behind_s, now - began - self.outcome.sent / self.load.rate_per_s)
            next_s = began + self.outcome.sent / self.load.rate_per_s - time.monotonic()
            self._receive(max(0.0, next_s))

    def drain(self) -> None:
        """Wait for what is still under way, until the grace is over."""
        end = time.monotonic() + self.load.grace_s
        while any(self.under_way) and (left_s := end - time.monotonic()) > 0:
            self._receive(left_s)

    def close(self) -> None:
        """Close all sockets."""
        self.selector.close()
        for opened in self.sockets:
            opened.close()

    def _send(self, number: int, planned_s: float) -> None:
        place = number % len(self.sockets)
        ident = number // len(self.sockets) & 0xFFFF
        self.outcome.sent += 1
        self.under_way[place][ident] = planned_s
        try:
            self.sockets[place].send(struct.pack("!H", ident) + self.wires[number % len(self.wires)])
        except OSError:
            return  # a full buffer or a refusal: the query counts as lost

    def _receive(self, wait_s: float) -> None:
        for key, _ in self.selector.select(wait_s):
            place: int = key.data
            try:
                while True:
                    self._take(place, self.sockets[place].recv(65535))
            except OSError:
                continue

    def _take(self, place: int, wire: bytes) -> None:
        planned_s = self.under_way[place].pop(int.from_bytes(wire[:2], "big"), None)
        if planned_s is None:
            self.outcome.strange += 1
            return
        self.outcome.answered += 1
        rcode = wire[3] & 15
        self.outcome.rcodes[rcode] = self.outcome.rcodes.get(rcode, 0) + 1
        self.outcome.wrong += not self.check(wire)
        self.outcome.latency.note((time.monotonic() - planned_s) * 1e6)
