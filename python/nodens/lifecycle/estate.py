"""What one process hands to the next: descriptors by name, and the order in which they travel."""

from __future__ import annotations

import os
import select
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from nodens.lifecycle.line import close_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nodens.engine import SocketRow
    from nodens.lifecycle.line import Message

STATE: Final = 1  # of what is handed over; another number when its meaning changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    """What is handed over. `steering` is the plan it is steered by; `life` ends (a pipe) when the giver is dead.

    The giver's descriptors are duplicates, to be closed when they were sent; the heir's are its own.
    """

    instance: str
    steering: str
    sockets: tuple[SocketRow, ...]
    door: int
    cache: int
    life: int
    tun: int | None
    table: int | None

    def message(self) -> Message:
        """Put into words what the descriptors do not say themselves."""
        return {
            "state": STATE,
            "instance": self.instance,
            "steering": self.steering,
            "has_table": self.table is not None,
            "has_tun": self.tun is not None,
            "sockets": [row[:3] for row in self.sockets],
        }

    def descriptors(self) -> list[int]:
        """List them in the order in which they travel.

        The table's has a lower number than the sockets': when the heir is killed it goes first, and with it the pods'
        way to it.
        """
        holds = [each for each in (self.table, self.tun) if each is not None]
        return [self.door, self.cache, self.life, *holds, *(row[3] for row in self.sockets)]

    def close(self) -> None:
        """Want none of it, or none any more."""
        close_all(self.descriptors())

    def is_orphaned(self, limit_s: float) -> bool:
        """Whether the giver is dead; wait so long for it. It alone holds the other end, and never closes it."""
        poll = select.poll()
        poll.register(self.life, 0)
        return bool(poll.poll(limit_s * 1000))


def read_estate(message: Message, descriptors: Sequence[int]) -> Estate:
    """Put names to descriptors. Raises KeyError, TypeError, ValueError or IndexError for a strange message."""
    if message["state"] != STATE:
        raise ValueError(message["state"])
    rest = list(descriptors)
    door, cache, life = rest.pop(0), rest.pop(0), rest.pop(0)
    table = rest.pop(0) if message["has_table"] else None
    tun = rest.pop(0) if message["has_tun"] else None
    return Estate(
        instance=str(message["instance"]),
        steering=str(message["steering"]),
        sockets=tuple(
            (str(address), int(port), "udp" if protocol == "udp" else "tcp", descriptor)
            for (address, port, protocol), descriptor in zip(message["sockets"], rest, strict=True)
        ),
        door=door,
        cache=cache,
        life=life,
        tun=tun,
        table=table,
    )


def copy_of(descriptor: int | None) -> int | None:
    """Duplicate a descriptor, if there is one; children do not inherit it."""
    return None if descriptor is None else os.dup(descriptor)
