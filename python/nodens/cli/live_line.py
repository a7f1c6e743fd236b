"""One quiet line that says how it goes: each second on a terminal, every ten seconds elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
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
_DURATION: Final = "coredns_dns_request_duration_seconds"


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
            sys.stdout.write(f"{CLEAR_LINE}{time.strftime('%H:%M:%S')}  {text}")
        elif text != last:
            sys.stdout.write(f"{time.strftime('%H:%M:%S')}  {text}\n")
        last = text
        sys.stdout.flush()


def render_line(samples: Sequence[Sample]) -> str:
    """Say queries, hits, entries, p50 and p99."""
    queries, hits = _total(samples, _QUERIES), _total(samples, _HITS)
    entries = _entries(samples)
    text = f"queries {queries:,.0f}  hits {hits:,.0f}"
    if queries:
        text += f" ({hits / queries:.0%})"
    text += f"  entries {entries:,.0f}"
    durations = [sample for sample in samples if sample.family.name == _DURATION]
    merged = merge([sample.value for sample in durations if isinstance(sample.value, Distribution)])
    if durations and merged and merged.count:
        bounds = durations[0].family.buckets
        text += f"  p50 {_spell_s(quantile(merged, bounds, 0.5))}  p99 {_spell_s(quantile(merged, bounds, 0.99))}"
    return text


def merge(values: Sequence[Distribution]) -> Distribution | None:
    """Add distributions up."""
    if not values:
        return None
    return Distribution(
        counts=tuple(sum(column) for column in zip(*(value.counts for value in values), strict=True)),
        total=sum(value.total for value in values),
        count=sum(value.count for value in values),
    )


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
    """Write a duration's upper bound for people."""
    if seconds == float("inf"):
        return "> 8 s"
    return f"< {seconds * 1000:g} ms" if seconds < 1 else f"< {seconds:g} s"
