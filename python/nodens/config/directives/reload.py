"""`reload`: how often the Corefile's bytes are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodens.config.directives.grammar import Repeat, Row, Uses
from nodens.config.model import ReloadRules
from nodens.config.values import read_duration_ms

if TYPE_CHECKING:
    from nodens.problems import Problems

INTERVAL_FLOOR_MS = 2_000
JITTER_FLOOR_MS = 1_000


def read(uses: Uses, problems: Problems) -> ReloadRules:
    """Read `[INTERVAL [JITTER]]`; the jitter is at most half the interval."""
    words = uses[-1].arguments
    rules = ReloadRules()
    interval_ms = read_duration_ms(words[0], problems, least_ms=INTERVAL_FLOOR_MS) if words else rules.interval_ms
    jitter_ms = read_duration_ms(words[1], problems, least_ms=JITTER_FLOOR_MS) if words[1:] else rules.jitter_ms
    if interval_ms is None or jitter_ms is None:
        return rules
    return ReloadRules(interval_ms=interval_ms, jitter_ms=min(jitter_ms, interval_ms // 2))


ROW = Row(
    name="reload",
    summary="Takes up a changed Corefile without losing a query, the cache, the connections or the counters.",
    reader=read,
    field="reload",
    arguments="[INTERVAL [JITTER]]",
    most=2,
    default="30s 15s",
    notes=(
        "INTERVAL is at least 2s, JITTER at least 1s and at most half of INTERVAL. One timer for the process: the last "
        "block counts. Most changes are noticed at once, from the file system; this timer finds the rest."
    ),
    repeat=Repeat.WRONG,
)
