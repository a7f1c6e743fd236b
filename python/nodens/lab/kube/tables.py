"""Tables as kubectl prints them: columns three spaces apart, as wide as their widest cell. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400


def render_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay the rows out under their heads."""
    widths = [max(len(row[place]) for row in (heads, *rows)) for place in range(len(heads))]
    lines = [
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (heads, *rows)
    ]
    return "\n".join(lines) + "\n"


def spell_age(seconds: float) -> str:
    """Write an age as kubectl does: `5s`, `3m12s`, `2h5m`, `3d4h`."""
    whole = max(0, int(seconds))
    if whole < 2 * _MINUTE_S:
        return f"{whole}s"
    if whole < 10 * _MINUTE_S:
        return f"{whole // _MINUTE_S}m{whole % _MINUTE_S}s" if whole % _MINUTE_S else f"{whole // _MINUTE_S}m"
    if whole < 3 * _HOUR_S:
        return f"{whole // _MINUTE_S}m"
    if whole < 2 * _DAY_S:
        rest = whole % _HOUR_S // _MINUTE_S
        return f"{whole // _HOUR_S}h{rest}m" if rest and whole < 8 * _HOUR_S else f"{whole // _HOUR_S}h"
    return f"{whole // _DAY_S}d"
