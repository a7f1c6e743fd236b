"""A pod's resolver under load: asks at an even rate, each query from a port of its own, as pods do.

Bounded in rate, count and time. A query that is not answered is sent again after its patience, as a pod's libc does.
"""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from nodens.lab.message import compose, query

RATE_LIMIT: Final = 2_000
SECONDS_LIMIT: Final = 60.0
_OPEN_LIMIT: Final = 4_000  # sockets that wait for an answer at once
_FIRST_PORT, _PORTS = (
    10_000,
    50_000,
)  # in turn: drawn by lot, some would come twice, and find a translation that is known
_LOOK_S: Final = 0.0005


@dataclass(frozen=True, slots=True, kw_only=True)
class AskOrder:
    """What to ask: of whom, which names in turn, how many a second and in all; how long to wait, how often to send."""

    server: str
    names: Sequence[str]
    rate: int
    count: int
    patience_s: float = 1.0
    attempts: int = 1
    port: int = 53
    other: str = ""  # a second server, which is asked every second query


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One query: when it was sent first, how long its answer took (None: none came), its rcode (-1: none)."""

    sent_s: float
    took_s: float | None
    rcode: int


@dataclass(slots=True)
class _Waiting:
    """A query under way."""

    client: socket.socket
    wire: bytes
    place: int
    first_s: float
    due_s: float
    left: int


class Asker:
    """One run."""

    def __init__(self, order: AskOrder) -> None:
        """Take the order, bounded."""
        self._order = order
        self._rate = min(order.rate, RATE_LIMIT)
        self._count = min(order.count, int(self._rate * SECONDS_LIMIT))
        self._wires = [compose(query(name, "A"))[2:] for name in order.names]
        self._told: list[Asked] = []
        self._waiting: dict[int, _Waiting] = {}
        self._poller = select.epoll()

    def run(self, is_enough: Callable[[], bool]) -> list[Asked]:
        """Ask until all are asked or it is enough, and wait for the last answers."""
        start_s, number = time.monotonic(), 0
        while number < self._count or self._waiting:
            if number < self._count and is_enough():
                self._count = number
            now_s = time.monotonic()
            while number < self._count and number < (now_s - start_s) * self._rate and len(self._waiting) < _OPEN_LIMIT:
                self._ask(number)
                number += 1
            for descriptor, _ in self._poller.poll(_LOOK_S):
                self._hear(descriptor)
            self._give_up(time.monotonic())
        return self._told

    def _ask(self, number: int) -> None:
        """Send a query from a new port."""
        server = self._order.other if self._order.other and number % 2 else self._order.server
        client = socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM)
        client.settimeout(0)
        now_s = time.monotonic()
        wire = (number & 0xFFFF).to_bytes(2, "big") + self._wires[number % len(self._wires)]
        self._told.append(Asked(sent_s=now_s, took_s=None, rcode=-1))
        with contextlib.suppress(OSError):  # taken: the kernel gives another
            client.bind(("", _FIRST_PORT + number % _PORTS))
        try:
            client.connect((server, self._order.port))
            client.send(wire)
        except OSError:
            client.close()  # no route, or refused: lost
            return
        left = self._order.attempts - 1
        self._waiting[client.fileno()] = _Waiting(client, wire, number, now_s, now_s + self._order.patience_s, left)
        self._poller.register(client, select.EPOLLIN)

    def _hear(self, descriptor: int) -> None:
        """Take an answer."""
        waiting = self._waiting[descriptor]
        try:
            answer = waiting.client.recv(4096)
        except OSError:
            return self._close(descriptor)  # refused: lost
        if answer[:2] == waiting.wire[:2]:
            took_s = time.monotonic() - waiting.first_s
            self._told[waiting.place] = Asked(sent_s=waiting.first_s, took_s=took_s, rcode=answer[3] & 15)
            self._close(descriptor)
        return None

    def _give_up(self, now_s: float) -> None:
        """Send again what has waited long enough, or count it as lost; those that were sent first stand first."""
        for descriptor, waiting in list(self._waiting.items())[:64]:
            if waiting.due_s > now_s:
                continue
            if not waiting.left:
                self._close(descriptor)
                continue
            waiting.left -= 1
            waiting.due_s = now_s + self._order.patience_s
            try:
                waiting.client.send(waiting.wire)
            except OSError:
                self._close(descriptor)

    def _close(self, descriptor: int) -> None:
        """Be done with a query."""
        waiting = self._waiting.pop(descriptor)
        self._poller.unregister(descriptor)
        waiting.client.close()
