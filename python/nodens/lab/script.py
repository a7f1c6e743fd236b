"""What an upstream hears and what it may do, as values. A script takes the one and gives the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from nodens.lab.message import Message, parse

PATIENCE_S = 5.0  # how long a test waits for what must come


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One query that arrived. `connection` numbers TCP connections from 1; 0 is UDP."""

    number: int
    wire: bytes
    transport: str
    source: tuple[str, int]
    connection: int
    at_s: float

    @property
    def message(self) -> Message:
        """Give the query as a value."""
        return parse(self.wire)


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Say these bytes: a datagram, or a message with its length before it (`is_framed`), or raw bytes of a stream."""

    wire: bytes
    after_s: float = 0.0
    is_framed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """Close the connection in good order; nothing happens over UDP."""

    after_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """Break the connection (RST); nothing happens over UDP."""

    after_s: float = 0.0


Act = Send | Close | Reset
Script = Callable[[Heard], Iterable[Act]]
