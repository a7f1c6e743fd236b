"""What a story is played on: a stage takes a story's acts one by one.

Two of them stand in `rehearsed.py` (core's Resolver, a hand-turned clock) and `staged.py` (the real program, scripted
upstreams on loopback).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from nodens.lab.message import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One query that reached an upstream of the story."""

    upstream: str
    message: Message
    transport: str
    token: object


class Stage(Protocol):
    """Where a story happens. Clients and upstreams have the story's names; `within_ms` None: the stage's patience."""

    def client_sends(self, client: str, wire: bytes, transport: str) -> None:
        """Hand a client's message in."""
        ...

    def client_gets(self, client: str, within_ms: int | None) -> bytes | None:
        """Give the next reply of a client if it comes in time."""
        ...

    def is_silent_to(self, client: str) -> bool:
        """Whether no reply waits for a client, and none to what it has sent is on its way."""
        ...

    def upstream_hears(self, upstream: str, within_ms: int | None) -> Asked | None:
        """Give the next query at an upstream that the story has not looked at yet."""
        ...

    def upstream_sends(self, asked: Asked, wire: bytes) -> None:
        """Have an upstream say these bytes to a query."""
        ...

    def upstream_fails(self, asked: Asked, how: str) -> None:
        """Have an upstream `closes` or `resets` the connection of a query."""
        ...

    def upstream_becomes(self, upstream: str, state: str) -> None:
        """Make an upstream `down` (ports closed), `a black hole` (no SYN answered), or `up` again."""
        ...

    def attempts(self, upstream: str) -> int | None:
        """Count what was ever sent towards an upstream; None if this stage cannot know (its port was closed)."""
        ...

    def pass_time(self, ms: int) -> None:
        """Let so much time pass."""
        ...

    def now_ms(self) -> float:
        """Tell the time."""
        ...

    def leftovers(self) -> list[str]:
        """Tell what happened that the story did not look at."""
        ...
