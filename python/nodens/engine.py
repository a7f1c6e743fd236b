"""The door to Rust: the only importer of `_engine`. Checks that both halves are of one version, and gives types."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from nodens import __version__
from nodens.errors import EngineError

try:
    from nodens import _engine
except ImportError as error:
    raise EngineError(f"nodens._engine: cannot load: {error}; `make build` builds it") from error

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nodens.plan import EnginePlan

Rehearsal = _engine.Rehearsal
"""The same core without sockets or a clock of its own, for stories and properties."""

SnapshotRow: TypeAlias = tuple[int, tuple[str, ...], float | tuple[tuple[int, ...], float, int]]
"""A sample as it crosses the boundary: row in the catalogue, label values, value."""

SocketRow: TypeAlias = tuple[str, int, Literal["udp", "tcp"], int]
"""A listening socket as it is handed over: address, port, protocol, descriptor."""

Bookmark: TypeAlias = tuple[int, int, int, int]
"""Where a look at the caches goes on: block, shard, side, slot."""

EntryRow: TypeAlias = tuple[str, str, str, Literal["success", "denial", "failure"], str, bool, bool, int, int, int]
"""An entry as it crosses the boundary; the stub names its parts."""

if _engine.__version__ != __version__:
    raise EngineError(f"nodens._engine: version {_engine.__version__}; expected {__version__}: `make build` builds it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something rare that the data plane wants told: a past tense kind, and one line."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of a cache that was handed over: entries taken, entries refused."""

    taken: int
    refused: int


class Running:
    """An engine whose workers answer. Made by `running`."""

    def __init__(self, made: _engine.Engine, drain_ms: int) -> None:
        """Hold a made engine. `drain_ms` and `is_handed_over` may be changed up to the end."""
        self._made = made
        self.drain_ms = drain_ms
        self.is_handed_over = False

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

    def entries(self, bookmark: Bookmark) -> tuple[str, str, list[EntryRow], Bookmark | None]:
        """Look at a page of what the caches hold: block, zones, rows, where to go on. Raises EngineStopped."""
        return self._made.entries(bookmark)

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

    def sockets(self) -> list[SocketRow]:
        """Duplicates of the listening sockets for the process after us; the caller closes them."""
        return self._made.sockets()

    def export_cache(self, fd: int, deadline_ms: int) -> int:
        """Write what the caches hold into a pipe or stream socket; gives the number of entries. Raises EngineError."""
        return self._made.export_cache(fd, deadline_ms)

    def import_cache(self, fd: int, deadline_ms: int) -> Imported:
        """Read what the process before us knew, beside serving. Raises EngineError."""
        taken, refused = self._made.import_cache(fd, deadline_ms)
        return Imported(taken=taken, refused=refused)

    def hand_over(self) -> None:
        """Stop reading from the listening sockets: the process after us does now. The end will drain accordingly."""
        self.is_handed_over = True
        self._made.release_sockets()


class Bound:
    """An engine whose sockets are bound. Made by `bind`; `running` takes it on, or `close` drops it."""

    def __init__(self, made: _engine.Engine) -> None:
        """Hold a made engine."""
        self._made = made

    def import_cache(self, fd: int, deadline_ms: int) -> Imported:
        """Read what the process before us knew. Raises EngineError; whatever it raises, the engine can start."""
        taken, refused = self._made.import_cache(fd, deadline_ms)
        return Imported(taken=taken, refused=refused)

    def running(self, drain_ms: int) -> Running:
        """Start the workers."""
        self._made.start()
        return Running(self._made, drain_ms)

    def close(self, drain_ms: int = 0, *, is_handed_over: bool = False) -> None:
        """Drain and stop, started or not."""
        self._made.stop(drain_ms, handed_over=is_handed_over)


def bind(plan: EnginePlan, *, sockets: Sequence[SocketRow] = (), is_sharing: bool = False) -> Bound:
    """Bind, with sockets from the process before us if there are some; the caller closes what he passed.

    `is_sharing`: another process of ours may hold the same ports. Raises BindError or PlanRejected.
    """
    return Bound(_engine.Engine(plan, sockets=sockets, is_sharing=is_sharing))


@contextmanager
def running(plan: EnginePlan, drain_ms: int, *, bound: Bound | None = None) -> Iterator[Running]:
    """Bind (or take on what is bound), start, and at the end drain and stop.

    Raises BindError or PlanRejected before anything runs.
    """
    bound = bound or bind(plan)
    held: Running | None = None
    try:
        held = bound.running(drain_ms)
        yield held
    finally:
        if held is not None:
            bound.close(held.drain_ms, is_handed_over=held.is_handed_over)
        else:
            bound.close()


def log_as_json() -> None:
    """Have the engine's log lines be JSON from now on: a choice of the process, which has one standard output."""
    _engine.log_as_json()


def catalogue() -> tuple[tuple[str, str, str, tuple[str, ...], tuple[float, ...]], ...]:
    """The engine's metric families, a row each, without an engine."""
    return _engine.CATALOGUE
