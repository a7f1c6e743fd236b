"""A node's life, as one readable function. What is entered last is left first."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Final

from nodens import engine, network
from nodens.errors import BindError
from nodens.lifecycle import pidfile, signals, words
from nodens.lifecycle.intents import Reload, Stop, Told
from nodens.lifecycle.probe import answer_ourselves
from nodens.lifecycle.reload import Node, prepare
from nodens.lifecycle.source import NotYetError
from nodens.lifecycle.watch import watching
from nodens.observe import EVENTS, Numbers, Sides, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nodens.engine import Running
    from nodens.lifecycle.intents import Intents
    from nodens.lifecycle.reload import Prepared
    from nodens.lifecycle.source import Source
    from nodens.observe import Log
    from nodens.plan import EnginePlan, Facts, HttpEndpoint

DRAIN_MS: Final = 5_000  # CoreDNS gives its servers as long; an upstream has 2 s in all
_EVENT_WAIT_MS: Final = 1_000
_LOOK_AGAIN_S: Final = 5.0
PATIENCE_S: Final = 300.0  # then a restart helps more: the kubelet fills the environment anew for each container


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a life is made from: where the text comes from, wishes from the command line, and what to leave behind.

    `wake` is called with the running engine and gives something to be held as long as it runs (a live line, say).
    """

    source: Source
    wishes: Facts
    own_metrics: HttpEndpoint | None = None
    pidfile: str = ""
    is_quiet: bool = False
    drain_ms: int = DRAIN_MS
    born_s: float = field(default_factory=time.monotonic)


def live(asked: Asked, log: Log, onlook: Callable[[Running], Iterator[None]] | None = None) -> int:
    """Start, serve until asked to stop, stop in good order; gives the exit code. Raises NodensError before serving."""
    intents: Intents = SimpleQueue()
    numbers = Numbers()
    with ExitStack() as life:
        life.enter_context(signals.listening(intents, log, partial(pidfile.remove, asked.pidfile)))
        prepared = _first(asked, intents, log)
        if prepared is None:
            return 0
        plan = prepared.plan
        _refuse_taken_ports(plan.engine)
        sides = life.enter_context(Sides(numbers, log, network.holder))
        running = life.enter_context(_running(plan.engine, asked.drain_ms))
        node = Node(asked=asked, running=running, sides=sides, numbers=numbers, log=log, prepared=prepared)
        node.publish()
        ending = life.enter_context(_lameduck(node))
        answer_ourselves(plan.engine, running.addresses())  # never steer at silence
        life.enter_context(network.steering(plan.network))  # last in, first out
        if not asked.is_quiet:
            words.say_zones(log, plan.engine, running.addresses())
        words.say_running(log, prepared)
        if not asked.is_quiet:
            words.say_version(log)
        life.enter_context(pidfile.held(asked.pidfile, log))
        life.enter_context(_ready(sides))
        life.enter_context(_told(running, intents))
        watch = life.enter_context(watching(lambda: intents.put(Reload())))
        watch.follow(prepared.watched)
        if onlook:
            life.enter_context(contextmanager(onlook)(running))
        log.debug(f"ready {time.monotonic() - asked.born_s:.3f} s after start")
        ending.is_hasty = _loop(intents, node, watch.follow)
    return 0


def _loop(intents: Intents, node: Node, follow: Callable[..., None]) -> bool:
    """Take one intent after the other, until one is to stop; gives whether in haste. The one thread that decides."""
    while True:
        match intents.get():
            case Stop(is_hasty=is_hasty):
                return is_hasty
            case Reload() as asked:
                node.reload(asked)
                follow(node.prepared.watched)
            case Told(kind=kind, message=message):
                node.numbers.add(EVENTS, kind)
                node.log.warning(message) if _is_trouble(kind) else node.log.info(message)


def _is_trouble(kind: str) -> bool:
    """Whether an event is bad news."""
    return kind.rpartition(" ")[2] not in {"up", "gone", "back"}


def _first(asked: Asked, intents: Intents, log: Log) -> Prepared | None:
    """Prepare the first plan; wait for what comes by itself. None if told to stop while waiting."""
    said = ""
    give_up_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return prepare(asked.source, asked.wishes, log)
        except NotYetError as error:
            if time.monotonic() > give_up_s:
                raise
            if str(error) != said:
                said = str(error)
                log.error(f"{said}; looking again every {_LOOK_AGAIN_S:.0f} s, for {PATIENCE_S / 60:.0f} minutes")
        try:
            if isinstance(intents.get(timeout=_LOOK_AGAIN_S), Stop):
                return None
        except Empty:
            continue


def _refuse_taken_ports(plan: EnginePlan) -> None:
    """Raise BindError, with the holder's name, for the first address that somebody else serves on."""
    for listener in plan.listeners:
        if taken := network.find_taken(listener.address, listener.port):
            protocol, number, why = taken
            raise BindError(f"{words.spell(listener.address, listener.port)}/{protocol}", number, why)


@contextmanager
def _running(plan: EnginePlan, drain_ms: int) -> Iterator[Running]:
    """Run the engine; bind errors get the holder's name."""
    with ExitStack() as stack:
        yield stack.enter_context(engine.running(plan, drain_ms))


@dataclass(slots=True, kw_only=True)
class _Ending:
    """How this life is to end; known only at its end."""

    is_hasty: bool = False


@contextmanager
def _lameduck(node: Node) -> Iterator[_Ending]:
    """Go on answering for a while after traffic was pointed away, for those who have not noticed."""
    ending = _Ending()
    yield ending
    wait_ms = node.prepared.plan.observe.lameduck_ms
    if wait_ms and not ending.is_hasty:
        node.log.info(f"plugin/health: Going into lameduck mode for {words.spell_duration(wait_ms)}")
        time.sleep(wait_ms / 1000)


@contextmanager
def _ready(sides: Sides) -> Iterator[None]:
    """Say ready, and on leaving, first of all, not ready."""
    sides.status = Status()
    try:
        yield
    finally:
        sides.status = Status(unready=("stopping",))


@contextmanager
def _told(running: Running, intents: Intents) -> Iterator[None]:
    """Bring the engine's rare events to the life loop."""
    is_over = False

    def bring() -> None:
        while not is_over:
            if event := running.next_event(_EVENT_WAIT_MS):
                intents.put(Told(kind=event.kind, message=event.message))

    thread = Thread(target=bring, name="events", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over = True
        thread.join(2 * _EVENT_WAIT_MS / 1000)
