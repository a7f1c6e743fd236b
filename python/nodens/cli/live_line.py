"""One quiet line that says how it goes: each second on a terminal, every ten seconds elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from shutil import get_terminal_size
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

from nodens.observe import Distribution, engine_samples

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nodens.observe import Sample, SnapshotSource

CLEAR_LINE: Final = "\r\x1b[K"
_TERMINAL_S: Final = 1.0
_PLAIN_S: Final = 10.0
_QUERIES: Final = "coredns_dns_requests_total"
_HITS: Final = "coredns_cache_hits_total"
_ENTRIES: Final = "coredns_cache_entries"
_DURATION: Final = "nodens_response_duration_seconds"  # CoreDNS's own begins at 250 us, where our hits have long ended
_SOURCES: Final = ("hit", "stale", "miss")


@contextmanager
def live_line(source: SnapshotSource) -> Iterator[None]:
    """Print the line from a thread of its own until left."""
    is_over = Event()
    is_terminal = sys.stdout.isatty()
    thread = Thread(target=_print_on, args=(source, is_over, is_terminal), name="live line", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
        if is_terminal:
            sys.stdout.write(CLEAR_LINE)
            sys.stdout.flush()


def _print_on(source: SnapshotSource, is_over: Event, is_terminal: bool) -> None:  # noqa: FBT001 - a thread's argument
    """Print now and then."""
    last = ""
    while not is_over.wait(_TERMINAL_S if is_terminal else _PLAIN_S):
        text = render_line(engine_samples(source))
        if is_terminal:
            line = f"{time.strftime('%H:%M:%S')}  {text}"
            width = get_terminal_size().columns - 1  # a line that wraps cannot be written over
            sys.stdout.write(f"{CLEAR_LINE}{line[:width]}")
        elif text != last:
            sys.stdout.write(f"{time.strftime('%H:%M:%S')}  {text}\n")
        last = text
        sys.stdout.flush()


def render_line(samples: Sequence[Sample]) -> str:
    """Say queries, hits and entries, and p50 and p99 of each way to a response."""
    queries, hits = _total(samples, _QUERIES), _total(samples, _HITS)
    if not queries:
        return "nobody has asked yet"
    parts = [f"queries {queries:,.0f}", f"hits {hits:,.0f} ({hits / queries:.0%})", f"entries {_entries(samples):,.0f}"]
    durations = {sample.labels: sample for sample in samples if sample.family.name == _DURATION}
    for source in _SOURCES:
        sample = durations.get((source,))
        if sample and isinstance(sample.value, Distribution) and sample.value.count:
            p50, p99 = (quantile(sample.value, sample.family.buckets, share) for share in (0.5, 0.99))
            parts.append(f"{source} p50 < {_spell_s(p50)} p99 < {_spell_s(p99)}")
    return "  ".join(parts)


def quantile(value: Distribution, bounds: Sequence[float], share: float) -> float:
    """The bound under which this share of all observations fell; infinity when it lies above the last."""
    below = 0
    for bound, count in zip(bounds, value.counts, strict=True):
        below += count
        if below >= share * value.count:
            return bound
    return float("inf")


def _total(samples: Sequence[Sample], name: str) -> float:
    """Add up a family."""
    return sum(
        sample.value for sample in samples if sample.family.name == name and not isinstance(sample.value, Distribution)
    )


def _entries(samples: Sequence[Sample]) -> float:
    """Count entries once: a cache shows them under each address it is reached by."""
    found = {sample.labels[1:]: sample.value for sample in samples if sample.family.name == _ENTRIES}
    return sum(value for value in found.values() if not isinstance(value, Distribution))


def _spell_s(seconds: float) -> str:
    """Write a time with the unit that suits it."""
    if seconds == float("inf"):
        return "?"
    for limit_s, unit, factor in ((1e-3, "µs", 1e6), (1.0, "ms", 1e3)):
        if seconds < limit_s:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"
