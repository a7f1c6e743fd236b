"""The door to Rust: the only importer of `_engine`. Checks that both halves are of one version, and gives types."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from nodens import __version__
from nodens.errors import EngineError

try:
    from nodens import _engine
except ImportError as error:
    raise EngineError(f"nodens._engine: cannot load: {error}; `make build` builds it") from error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nodens.plan import EnginePlan

Rehearsal = _engine.Rehearsal
"""The same core without sockets or a clock of its own, for stories and properties."""

SnapshotRow: TypeAlias = tuple[int, tuple[str, ...], float | tuple[tuple[int, ...], float, int]]
"""A sample as it crosses the boundary: row in the catalogue, label values, value."""

if _engine.__version__ != __version__:
    raise EngineError(f"nodens._engine: version {_engine.__version__}; expected {__version__}: `make build` builds it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something rare that the data plane wants told: a past tense kind, and one line."""

    kind: str
    message: str


class Running:
    """An engine whose workers answer. Made by `running`."""

    def __init__(self, made: _engine.Engine, drain_ms: int) -> None:
        """Hold a made engine. `drain_ms` may be changed up to the end."""
        self._made = made
        self.drain_ms = drain_ms

    @property
    def catalogue(self) -> tuple[tuple[str, str, str, tuple[str, ...], tuple[float, ...]], ...]:
        """The engine's metric families, a row each."""
        return catalogue()

    def apply(self, plan: EnginePlan) -> None:
        """Take up another plan, make before break. On an error the old plan runs on."""
        self._made.apply(plan)

    def snapshot(self) -> list[SnapshotRow]:
        """All samples of this moment."""
        return self._made.snapshot()

    def next_event(self, timeout_ms: int) -> Event | None:
        """Wait for a rare event."""
        told = self._made.next_event(timeout_ms)
        return Event(kind=told[0], message=told[1]) if told else None

    def pulse(self) -> tuple[int, ...]:
        """Turns of each worker's loop so far."""
        return self._made.pulse()

    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Where the listeners really are, in the plan's order."""
        return self._made.addresses()


@contextmanager
def running(plan: EnginePlan, drain_ms: int) -> Iterator[Running]:
    """Bind, start, and at the end drain and stop. Raises BindError or PlanRejected before anything runs."""
    made = _engine.Engine(plan)
    held = Running(made, drain_ms)
    try:
        made.start()
        yield held
    finally:
        made.stop(held.drain_ms)


def catalogue() -> tuple[tuple[str, str, str, tuple[str, ...], tuple[float, ...]], ...]:
    """The engine's metric families, a row each, without an engine."""
    return _engine.CATALOGUE
