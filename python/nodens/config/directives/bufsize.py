"""`bufsize`: the largest UDP response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodens.config.directives.grammar import Row, Uses
from nodens.config.values import read_count

if TYPE_CHECKING:
    from nodens.problems import Problems

DEFAULT = 1_232  # fits the smallest IPv6 packet; DNS flag day 2020
FLOOR = 512
LIMIT = 4_096


def read(uses: Uses, problems: Problems) -> int:
    """Read `[SIZE]`."""
    words = uses[-1].arguments
    size = read_count(words[0], problems, "a UDP size", least=FLOOR, most=LIMIT) if words else DEFAULT
    return size or DEFAULT


ROW = Row(
    name="bufsize",
    summary="The largest UDP response to clients, and the size asked of upstreams.",
    reader=read,
    field="udp_size_limit",
    arguments="[SIZE]",
    most=1,
    default="1232, also where `bufsize` is absent",
    notes="SIZE is 512 to 4096 octets.",
)
