"""`loop`: whether our own queries come back to us."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodens.config.directives.grammar import Repeat, Row, Uses

if TYPE_CHECKING:
    from nodens.problems import Problems


def read(_uses: Uses, _problems: Problems) -> bool:
    """Its presence is all it says."""
    return True


ROW = Row(
    name="loop",
    summary="Sends a probe through its own upstreams; an upstream that sends it back to us is disabled, and said so.",
    reader=read,
    field="has_loop",
    repeat=Repeat.WRONG,
)
