"""What a story is played on. `Stage` is the story's side; `Rehearsal` is what the lab needs of the compiled module.

A stage takes a story's acts one by one. Two of them stand in `rehearsed.py` (core's Resolver, a hand-turned clock) and
`staged.py` (the real program, scripted upstreams on loopback).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from nodens.lab.message import Message

# Steps as `Rehearsal` gives them, in order:
#   ("reply", handle, message)                      to the query that was handed in with this handle
#   ("send", exchange, "ip:port", "udp"|"tcp", message)
#   ("forget", exchange)
#   ("nudge", worker)
RehearsedStep = tuple[object, ...]


class Rehearsal(Protocol):
    """`_engine.Rehearsal(plan, seed)`: one core Resolver, no sockets, no clock. Every call is given the moment.

    Faults are `refused`, `unreachable`, `closed`, `reset`, `no_room`.
    """

    def on_query(
        self, query: bytes, handle: int, listener: int, transport: str, source: tuple[str, int], now_ms: int
    ) -> list[RehearsedStep]:
        """A client's message: an answer at once is a `reply` step as well; silence is no step."""
        ...

    def on_response(self, exchange: int, response: bytes, now_ms: int) -> tuple[bool, list[RehearsedStep]]:
        """An upstream's message; the first value is False for a stranger (not the answer to our question)."""
        ...

    def on_fault(self, exchange: int, fault: str, now_ms: int) -> list[RehearsedStep]:
        """Nothing will come for an exchange."""
        ...

    def next_wake_ms(self) -> int | None:
        """When `on_time` is due."""
        ...

    def on_time(self, now_ms: int) -> list[RehearsedStep]:
        """Time has passed."""
        ...

    def snapshot(self) -> list[tuple[int, tuple[str, ...], float | tuple[tuple[int, ...], float, int]]]:
        """All numbers, as `Engine.snapshot` gives them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One query that reached an upstream of the story."""

    message: Message
    transport: str
    token: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """One reply that reached a client of the story. `after_ms` counts from its query."""

    wire: bytes
    after_ms: float


class Stage(Protocol):
    """Where a story happens. Names of clients and upstreams are the story's own."""

    def client_sends(self, client: str, wire: bytes, transport: str) -> None:
        """Hand a client's message in."""
        ...

    def client_gets(self, client: str, within_ms: int) -> Got | None:
        """Give the next reply of a client if it comes in time."""
        ...

    def client_hears_nothing(self, client: str) -> bool:
        """Whether no reply waits for a client, and none is on its way."""
        ...

    def upstream_hears(self, upstream: str, within_ms: int) -> Asked | None:
        """Give the next query at an upstream that the story has not looked at yet."""
        ...

    def upstream_sends(self, upstream: str, asked: Asked, wire: bytes) -> None:
        """Have an upstream say these bytes to a query."""
        ...

    def upstream_fails(self, upstream: str, asked: Asked, how: str) -> None:
        """Have an upstream `close` or `reset` the connection of a query."""
        ...

    def upstream_becomes(self, upstream: str, state: str) -> None:
        """Make an upstream `down` (ports closed), `a black hole` (no SYN answered), or `up` again."""
        ...

    def pass_time(self, ms: int) -> None:
        """Let so much time pass."""
        ...
