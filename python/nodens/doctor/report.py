"""The report as a table for people, and as plain values for programs. Pure."""

from __future__ import annotations

import textwrap
from collections import Counter
from typing import TYPE_CHECKING, Final

from nodens.doctor.model import Verdict, is_well

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nodens.doctor.model import Line

_WIDTH: Final = 120
_CHECK_LIMIT: Final = 34  # a longer name has a line of its own
_VERDICT_WIDTH: Final = max(len(verdict) for verdict in Verdict)


def render(lines: Sequence[Line]) -> str:
    """Write the table: verdict, check, what is so; below it, what to do."""
    width = min(max((len(line.check) for line in lines), default=0), _CHECK_LIMIT)
    rows = [row for line in lines for row in _rows(line, width)]
    count = Counter(line.verdict for line in lines)
    told = ", ".join(f"{count[verdict]} {verdict}" for verdict in reversed(Verdict) if count[verdict])
    return "\n".join([*rows, "", told or "nothing was looked at"]) + "\n"


def _rows(line: Line, width: int) -> Iterator[str]:
    """Write one line, wrapped."""
    head = f"{line.verdict:{_VERDICT_WIDTH}}  {line.check:{width}}"
    left = " " * (_VERDICT_WIDTH + width + 4)
    texts = textwrap.wrap(line.what, _WIDTH - len(left), break_long_words=False, break_on_hyphens=False)
    if len(line.check) > width:
        yield head
    else:
        yield f"{head}  {texts.pop(0) if texts else ''}".rstrip()
    for text in texts:
        yield left + text
    if line.hint:
        first, *rest = textwrap.wrap(line.hint, _WIDTH - len(left) - 6, break_long_words=False, break_on_hyphens=False)
        yield f"{left}hint: {first}"
        for text in rest:
            yield f"{left}      {text}"


def as_plain(lines: Sequence[Line]) -> dict[str, object]:
    """Give the report as plain values, for JSON."""
    return {
        "is_well": is_well(lines),
        "lines": [
            {"check": line.check, "verdict": line.verdict.value, "what": line.what, "hint": line.hint} for line in lines
        ],
    }
