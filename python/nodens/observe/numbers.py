"""The control plane's own numbers: few writers, few readers, one lock."""

from __future__ import annotations

from bisect import bisect_left
from threading import Lock
from typing import TYPE_CHECKING

from nodens.observe.catalogue import (
    HEALTH_DURATION,
    HEALTH_FAILURES,
    HOSTS_RELOAD,
    RELOAD_FAILED,
    RELOAD_REFUSED,
    SCRAPE_CODES,
    SCRAPES,
    SCRAPES_IN_FLIGHT,
    SETUP_ERROR_TYPES,
    SETUP_ERRORS,
    Distribution,
    Family,
    Sample,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


class Numbers:
    """Counters and gauges by family and label values. Label values come from bounded sets only."""

    def __init__(self) -> None:
        """Start with the samples that are there from the first moment, at 0."""
        self._lock = Lock()
        self._values: dict[tuple[Family, tuple[str, ...]], Value] = {
            (family, ()): 0
            for family in (RELOAD_FAILED, RELOAD_REFUSED, HEALTH_FAILURES, HOSTS_RELOAD, SCRAPES_IN_FLIGHT)
        }
        self._values |= {(SETUP_ERRORS, (kind,)): 0 for kind in SETUP_ERROR_TYPES}
        self._values |= {(SCRAPES, (code,)): 0 for code in SCRAPE_CODES}
        self._values[HEALTH_DURATION, ()] = _nothing_yet(HEALTH_DURATION)

    def add(self, family: Family, *labels: str, by: float = 1) -> None:
        """Add to a counter or gauge."""
        with self._lock:
            before = self._values.get((family, labels), 0)
            if isinstance(before, Distribution):
                raise TypeError(f"{family.name}: a histogram is not added to; observe instead")
            self._values[family, labels] = before + by

    def put(self, family: Family, *labels: str, value: float) -> None:
        """Set a gauge."""
        with self._lock:
            self._values[family, labels] = value

    def drop(self, family: Family, *labels: str) -> None:
        """Take one sample away, if it is there."""
        with self._lock:
            self._values.pop((family, labels), None)

    def put_all(self, family: Family, rows: Iterable[tuple[str, ...]]) -> None:
        """Make these label values, at 1, the only samples of an information family."""
        with self._lock:
            for key in [key for key in self._values if key[0] is family]:
                del self._values[key]
            for labels in rows:
                self._values[family, labels] = 1

    def observe(self, family: Family, value: float) -> None:
        """Add one observation to an unlabelled histogram."""
        place = bisect_left(family.buckets, value)
        with self._lock:
            before = self._values.get((family, ()))
            seen = before if isinstance(before, Distribution) else _nothing_yet(family)
            counts = tuple(count + (index == place) for index, count in enumerate(seen.counts))
            self._values[family, ()] = Distribution(counts=counts, total=seen.total + value, count=seen.count + 1)

    def samples(self) -> list[Sample]:
        """All numbers of this moment."""
        with self._lock:
            return [
                Sample(family=family, labels=labels, value=value) for (family, labels), value in self._values.items()
            ]


def _nothing_yet(family: Family) -> Distribution:
    """A histogram that has seen nothing."""
    return Distribution(counts=(0,) * len(family.buckets), total=0.0, count=0)
