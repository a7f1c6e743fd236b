"""The side services of a running node: metrics, health and ready pages, on the addresses the plan names.

A port that is taken costs a line in the log and a gauge, never DNS; it is tried again until it is free.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final, Protocol, Self

from nodens.errors import EngineStopped
from nodens.observe.catalogue import (
    HEALTH_DURATION,
    HEALTH_FAILURES,
    HTTP_DOWN,
    SCRAPES,
    SCRAPES_IN_FLIGHT,
    CatalogueRow,
    Distribution,
    Sample,
    families,
)
from nodens.observe.exposition import render
from nodens.observe.health import Pulse, Status, Verdict, alive, ready
from nodens.observe.process import process_samples
from nodens.observe.server import Listener, Page, Route

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from nodens.observe.log import Log
    from nodens.observe.numbers import Numbers
    from nodens.plan import HttpEndpoint, ObservePlan

_METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
_POLL_S: Final = 1.0  # CoreDNS asks its own /health as often
_POLL_TIMEOUT_S: Final = 3.0
_LINE_END: Final = b"\r\n"
_SLOW_POLL_S: Final = 1.0
_RETRY_POLLS: Final = 3  # a taken port is tried again every third second


class SnapshotSource(Protocol):
    """Where the data plane's numbers come from."""

    @property
    def catalogue(self) -> tuple[CatalogueRow, ...]:
        """Its metric families, a row each."""

    def snapshot(self) -> Sequence[tuple[int, tuple[str, ...], float | tuple[tuple[int, ...], float, int]]]:
        """Its samples, each with its row."""

    def pulse(self) -> tuple[int, ...]:
        """Turns of each worker so far."""


def engine_samples(source: SnapshotSource) -> list[Sample]:
    """Read a snapshot into samples."""
    rows = families(source.catalogue)
    return [
        Sample(
            family=rows[row],
            labels=labels,
            value=Distribution(counts=value[0], total=value[1], count=value[2]) if isinstance(value, tuple) else value,
        )
        for row, labels, value in source.snapshot()
    ]


class Sides:
    """All side services; a context manager. The life loop publishes `status` and calls `apply`, HTTP threads read."""

    def __init__(self, numbers: Numbers, log: Log, who: Callable[[str, int], str]) -> None:
        """Serve nothing yet. `who` names the holder of a taken address."""
        self.status = Status(unready=("starting",))
        self.steering = Status()  # what the keeper of link and rules has to say; it has a thread of its own
        self.hearing = Status()  # and what is known of addresses that give no answer
        self.source: SnapshotSource | None = None
        self.is_sharing = False  # with the process before us, which still serves the same addresses
        self._numbers = numbers
        self._log = log
        self._who = who
        self._lock = Lock()
        self._wanted: dict[HttpEndpoint, dict[str, Route]] = {}
        self._up: dict[HttpEndpoint, Listener] = {}
        self._down: set[HttpEndpoint] = set()
        self._health: tuple[HttpEndpoint, ...] = ()
        self._pulse = Pulse()
        self._is_over = Event()
        self._beat_thread = Thread(target=self._beat, name="beat", daemon=True)

    def __enter__(self) -> Self:
        """Start the heartbeat."""
        self._beat_thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Close every listener; twice is fine."""
        self._is_over.set()
        self._beat_thread.join(_POLL_TIMEOUT_S + _POLL_S)
        with self._lock:
            for listener in self._up.values():
                listener.close()
            self._up.clear()

    def apply(self, plan: ObservePlan, own_metrics: HttpEndpoint | None = None) -> None:
        """Serve what the plan names, and node-cache's own metrics address; what stays is not touched."""
        wanted: dict[HttpEndpoint, dict[str, Route]] = {}
        for endpoint in plan.metrics:
            wanted.setdefault(endpoint, {})["/metrics"] = self._metrics_page
        if own_metrics:
            wanted.setdefault(own_metrics, {})["/metrics"] = self._own_metrics_page
        for endpoint in plan.health:
            wanted.setdefault(endpoint, {})["/health"] = lambda: _page(alive(self._felt()))
        for endpoint in plan.ready:
            wanted.setdefault(endpoint, {})["/ready"] = lambda: _page(ready(self._felt()))
        with self._lock:
            for endpoint in self._up.keys() - wanted.keys():
                self._up.pop(endpoint).close()
            for endpoint in self._down - wanted.keys():
                self._numbers.drop(HTTP_DOWN, _spell(endpoint))
            self._down &= wanted.keys()
            self._wanted, self._health = wanted, plan.health
            for endpoint, routes in wanted.items():
                if listener := self._up.get(endpoint):
                    listener.routes = routes
                else:
                    self._try(endpoint)

    def ports(self) -> dict[HttpEndpoint, int]:
        """The port each endpoint really has (port 0 resolved); what is down is missing."""
        with self._lock:
            return {endpoint: listener.port for endpoint, listener in self._up.items()}

    def metrics_text(self) -> str:
        """All numbers of this moment as Prometheus text."""
        source = self.source
        return render([*self._numbers.samples(), *process_samples(), *(engine_samples(source) if source else ())])

    def _try(self, endpoint: HttpEndpoint) -> None:
        """Open one listener; say when its state changes, not each time."""
        try:
            self._up[endpoint] = Listener(endpoint, self._wanted[endpoint], is_sharing=self.is_sharing)
        except OSError as error:
            if endpoint not in self._down:
                self._down.add(endpoint)
                self._numbers.put(HTTP_DOWN, _spell(endpoint), value=1)
                self._log.error(
                    f"{self._plugin(endpoint)}: {_spell(endpoint)}/tcp: cannot listen: {self._why(endpoint, error)}"
                )
                self._log.info(f"{_spell(endpoint)}/tcp: DNS is served without it; tried again until it is free")
            return
        if endpoint in self._down:
            self._down.discard(endpoint)
            self._numbers.put(HTTP_DOWN, _spell(endpoint), value=0)
            self._log.info(f"{self._plugin(endpoint)}: {_spell(endpoint)}/tcp: listening now")

    def _plugin(self, endpoint: HttpEndpoint) -> str:
        """Whose address this is, in the log's words."""
        paths = self._wanted[endpoint]
        return "plugin/prometheus" if "/metrics" in paths else "plugin/health" if "/health" in paths else "plugin/ready"

    def _why(self, endpoint: HttpEndpoint, error: OSError) -> str:
        """The errno in words, with the holder if one can be named."""
        holder = self._who(endpoint.host, endpoint.port)
        return f"{(error.strerror or str(error)).lower()}{f' ({holder})' if holder else ''}"

    def _metrics_page(self) -> Page:
        """The page of the `prometheus` directive."""
        return Page(code=200, body=self.metrics_text(), content_type=_METRICS_TYPE)

    def _own_metrics_page(self) -> Page:
        """The page of node-cache's own address, which counts its readers."""
        self._numbers.add(SCRAPES_IN_FLIGHT)
        code = "500"
        try:
            page = self._metrics_page()
            code = "200"
        finally:
            self._numbers.add(SCRAPES_IN_FLIGHT, by=-1)
            self._numbers.add(SCRAPES, code)
        return page

    def _felt(self) -> Status:
        """The published status, with what the heartbeat has to say."""
        told = (self.status, self.steering, self.hearing)
        unready = tuple(dict.fromkeys(reason for each in told for reason in each.unready))
        unwell = tuple(reason for each in told for reason in each.unwell)
        return Status(unready=unready, unwell=unwell + self._pulse.complaints(time.monotonic()))

    def _beat(self) -> None:
        """Once a second: feel the workers, ask our own /health, try what is down."""
        polls = 0
        while not self._is_over.wait(_POLL_S):
            polls += 1
            with suppress(EngineStopped):  # on the way out the side services outlive the engine
                if source := self.source:
                    self._pulse = self._pulse.felt(source.pulse(), time.monotonic())
            self._poll()
            if polls % _RETRY_POLLS == 0:
                with self._lock:
                    for endpoint in tuple(self._down):
                        self._try(endpoint)

    def _poll(self) -> None:
        """Ask the first health address that is up."""
        with self._lock:
            address = next((self._up[each].own_address for each in self._health if each in self._up), None)
        if not address:
            return
        url = f"http://{_spell_address(*address)}/health"
        started = time.monotonic()
        try:
            with socket.create_connection(address, _POLL_TIMEOUT_S) as connection:
                connection.sendall(b"GET /health HTTP/1.1\r\nHost: self\r\nConnection: close\r\n\r\n")
                said = b""
                while piece := connection.recv(1024):
                    said += piece
            if not said.startswith(b"HTTP/1.1 200 "):
                raise ConnectionError(f"the answer is `{said.partition(_LINE_END)[0].decode('latin-1')}`")
        except OSError as error:
            self._numbers.add(HEALTH_FAILURES)
            self._log.warning(f'plugin/health: Local health request to "{url}" failed: {error}')
            return
        took_s = time.monotonic() - started
        self._numbers.observe(HEALTH_DURATION, took_s)
        if took_s > _SLOW_POLL_S:
            self._log.warning(f'plugin/health: Local health request to "{url}" took more than 1s: {took_s:.3f}s')


def _page(verdict: Verdict) -> Page:
    """A probe's answer as a page."""
    return Page(code=verdict.code, body=verdict.body)


def _spell(endpoint: HttpEndpoint) -> str:
    """Write an endpoint as `host:port`."""
    return _spell_address(endpoint.host, endpoint.port)


def _spell_address(host: str, port: int) -> str:
    """Write host and port, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
