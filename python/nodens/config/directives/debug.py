"""`debug`: whether lines of the level `debug` are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodens.config.directives.grammar import Row, Uses

if TYPE_CHECKING:
    from nodens.problems import Problems


def read(_uses: Uses, _problems: Problems) -> bool:
    """Its presence is all it says."""
    return True


ROW = Row(
    name="debug",
    summary="Prints lines of the level `debug`; for the whole process, whichever block it stands in.",
    reader=read,
    field="is_debug",
)
