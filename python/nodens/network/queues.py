"""How full the receive queues of the UDP sockets on an address are, and how much they dropped: busy, or deaf?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from nodens.network.ports import waiting_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

_QUEUES, _INODE, _DROPS = 4, 9, 12  # columns of /proc/net/udp


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits in a socket's receive queue, in bytes of memory, and how many datagrams found no room so far."""

    held: int
    dropped: int


Look: TypeAlias = dict[str, Queue]
"""The queues of one moment, by the sockets' inodes."""


def survey_queues(address: str, port: int, proc: Path = Path("/proc")) -> Look:
    """Look at the UDP sockets that would hear a datagram to this address, whosever they are."""
    found = {}
    for fields in waiting_lines("udp", address, port, proc):
        _, _, held = fields[_QUEUES].partition(":")
        found[fields[_INODE]] = Queue(int(held, 16), int(fields[_DROPS]))
    return found


def are_busy(looks: Sequence[Look]) -> bool:
    """Whether silence is explained by load: something was dropped for want of room, and whoever dropped is being read.

    A queue that is read gets shorter now and then; one that nobody reads only grows.
    """
    if not looks:
        return False
    first, last = looks[0], looks[-1]
    dropping = [inode for inode in first.keys() & last.keys() if last[inode].dropped > first[inode].dropped]
    return bool(dropping) and all(_is_read([look[inode].held for look in looks if inode in look]) for inode in dropping)


def _is_read(held: Sequence[int]) -> bool:
    """Whether a queue was seen to get shorter."""
    return any(later < earlier for earlier, later in pairwise(held))
