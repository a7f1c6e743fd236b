"""A node's life, as one readable function. What is entered last is left first."""

from __future__ import annotations

import os
import time
import traceback
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import partial
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, TypeAlias

from nodens import engine, network
from nodens.errors import NetworkError
from nodens.lifecycle import pidfile, signals, words
from nodens.lifecycle.bequest import Bequest
from nodens.lifecycle.hearing import Hearing, Wanted
from nodens.lifecycle.helm import Helm
from nodens.lifecycle.intents import Called, Reload, Stop, Told
from nodens.lifecycle.keep import Keeper
from nodens.lifecycle.probe import answer_ourselves
from nodens.lifecycle.refuse import refuse_taken_ports, refuse_without_capabilities
from nodens.lifecycle.reload import Node, prepare
from nodens.lifecycle.source import NotYetError
from nodens.lifecycle.succession import NotTakenError, stand
from nodens.lifecycle.upstreams import why_none_answers
from nodens.lifecycle.watch import watching
from nodens.observe import CONTROL_FAILURES, EVENTS, Lookout, Numbers, Sides, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from nodens.engine import Running
    from nodens.lifecycle.ground import Ground
    from nodens.lifecycle.intents import Intents
    from nodens.lifecycle.reload import Prepared
    from nodens.lifecycle.source import Source
    from nodens.lifecycle.succession import Standing
    from nodens.lifecycle.watch import Watch
    from nodens.observe import Log
    from nodens.plan import Facts, HttpEndpoint

DRAIN_MS: Final = 5_000  # CoreDNS gives its servers as long; an upstream has 2 s in all
_IN_A_POD: Final = "KUBERNETES_SERVICE_HOST"
_EVENT_WAIT_MS: Final = 1_000
_LOOK_AGAIN_S: Final = 5.0
_UPSTREAM_WAIT_S: Final = 2.0  # as long as the engine gives one
PATIENCE_S: Final = 30.0  # then a restart helps more: the kubelet fills the environment anew for each container


Onlook: TypeAlias = "Callable[[Running], AbstractContextManager[None]] | None"
"""Gets the running engine, and gives something to hold while it runs."""


class End(Enum):
    """How a life ends."""

    CALM = auto()
    HASTY = auto()
    HANDED_OVER = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a life is made from: where the text comes from, wishes from the command line, and what to leave behind."""

    source: Source
    wishes: Facts
    own_metrics: HttpEndpoint | None = None
    pidfile: str = ""
    takes_over: bool = False
    has_failed: bool = False  # to take over, just now: this is the second try, beside the one before us
    is_quiet: bool = False
    drain_ms: int = DRAIN_MS
    born_s: float = field(default_factory=time.monotonic)


def live(asked: Asked, log: Log, onlook: Onlook = None) -> int:
    """Start, serve until asked to stop, stop in good order; gives the exit code. Raises NodensError before serving.

    `onlook` gets the running engine and gives something to hold while it runs: a live line, say.
    """
    intents: Intents = SimpleQueue()
    with signals.listening(intents, log, partial(pidfile.remove, asked.pidfile)):
        try:
            end, troubles = _serve(asked, intents, log, onlook)
        except NotTakenError as error:
            log.warning(f"{error}; we begin anew beside it")
            end, troubles = _serve(replace(asked, has_failed=True), intents, log, onlook)
        if end is End.HANDED_OVER and _IN_A_POD in os.environ:
            _linger(intents, log)
    return NetworkError.exit_code if troubles else 0


def _serve(asked: Asked, intents: Intents, log: Log, onlook: Onlook) -> tuple[End, list[NetworkError]]:
    """Live from start to end; gives how it ended, and what failed on the way out."""
    numbers = Numbers()
    with ExitStack() as life:
        asked.source.report_to(log, numbers)
        prepared = _first(asked, intents, log)
        if prepared is None:
            return End.CALM, []
        plan = prepared.plan
        refuse_without_capabilities(plan)
        standing = None
        if plan.network.is_idle:
            refuse_taken_ports(plan.engine.listeners)
        else:
            wishes = {"takes_over": asked.takes_over, "has_failed": asked.has_failed}
            standing = stand(plan, life, intents, log, numbers, **wishes)
        asked.source.accept()
        sides = life.enter_context(Sides(numbers, log, network.holder))
        sides.is_sharing = asked.takes_over
        bound = standing.bind(plan, log) if standing else engine.bind(plan.engine)
        running = life.enter_context(engine.running(plan.engine, asked.drain_ms, bound=bound))
        running.is_handed_over = bool(standing and standing.is_heir)  # what was lent is left as it is, should we fail
        node = Node(asked=asked, running=running, sides=sides, numbers=numbers, log=log, prepared=prepared)
        node.publish()
        prepared.say_warnings(log)
        life.enter_context(_told(running, intents))
        watch = life.enter_context(watching(lambda: intents.put(Reload())))
        watch.follow(prepared.watched)
        # Never steer at silence. Borrowed addresses are cluster DNS's until we do.
        own = [each for each in running.addresses() if each[0] not in plan.network.borrowed_addresses]
        for each in answer_ourselves(own, is_sharing=bool(standing) and asked.takes_over):
            log.warning(
                f"{words.spell(*each)}: not on this node; it is served once it is, and asked by nobody till then"
            )
        life.enter_context(_lameduck(node))
        if not asked.is_quiet:
            words.say_zones(log, plan.engine, running.addresses())
        words.say_running(log, prepared)
        if not asked.is_quiet:
            words.say_version(log)
        life.enter_context(Lookout(running, running.addresses(), log))
        if onlook:
            life.enter_context(onlook(running))
        hearing = Hearing(partial(_asked_now, node), sides=sides, numbers=numbers, log=log)
        # Traffic comes last, and goes first.
        bequest = _steer(life, node, standing, intents, hearing) if standing else None
        life.enter_context(pidfile.held(asked.pidfile, log))
        life.enter_context(hearing)
        life.enter_context(_ready(sides))  # last in, first out
        log.debug(f"ready {time.monotonic() - asked.born_s:.3f} s after start")
        end = _loop(intents, node, watch, bequest)
        _prepare_to_end(end, node, bequest)
    return end, standing.ground.troubles if standing else []


def _steer(life: ExitStack, node: Node, standing: Standing, intents: Intents, hearing: Hearing) -> Bequest:
    """Make what was lent ours, point traffic at us, and let the process after us ask for all."""
    standing.take_over(node.running, node.log)
    helm = life.enter_context(Helm(standing.ground, partial(_keeper, node, standing.ground, hearing)))
    node.borrow, node.captured = helm.borrow, helm.captured
    hearing.on_change = helm.nudge
    standing.door.serves = node.serves
    return Bequest(standing, node.running, helm, intents, node.log)


def _prepare_to_end(end: End, node: Node, bequest: Bequest | None) -> None:
    """Say how the rest of the way out is to be gone."""
    if end is End.HANDED_OVER:
        node.sides.close()  # probes and scrapes find the one that serves
    elif bequest:
        bequest.stop()
    if end is not End.CALM:
        node.lameduck_ms = 0  # nobody asks us any more, or we are in haste
    if end is End.HASTY:
        node.running.drain_ms = 0


def _linger(intents: Intents, log: Log) -> None:
    """Wait to be stopped: what ends in a pod is started again by the kubelet, and would take over in turn."""
    log.info("handed over: waiting to be stopped")
    while not isinstance(intents.get(), Stop):
        pass


def _asked_now(node: Node) -> Wanted:
    """Say where we ask ourselves. Borrowed addresses are cluster DNS's, for this node too, until they are steered."""
    borrowed = node.prepared.plan.network.borrowed_addresses
    return Wanted(
        own=tuple(place for place in node.running.addresses() if place[0] not in borrowed),
        borrowed=node.captured(),
        ports=len(node.running.pulse()),
    )


def _keeper(node: Node, ground: Ground, hearing: Hearing) -> Keeper:
    """Make the keeper of link and rules; it asks the upstreams of the plan that runs at that time."""
    return Keeper(
        ground,
        node.running,
        deaf=lambda: hearing.deaf,
        places=lambda: _asked_now(node).own,
        why_not=lambda: why_none_answers(node.prepared.plan.engine, _UPSTREAM_WAIT_S),
        interval_s=node.prepared.plan.network.sync_interval_ms / 1000,
        sides=node.sides,
        numbers=node.numbers,
        log=node.log,
    )


def _loop(intents: Intents, node: Node, watch: Watch, bequest: Bequest | None) -> End:
    """Take one intent after the other, until one is to end; gives how. The one thread that decides."""
    while True:
        intent = intents.get()
        if isinstance(intent, Stop) and not (bequest and bequest.postpones(intent)):
            return End.HASTY if intent.is_hasty else End.CALM
        try:
            match intent:
                case Stop():  # postponed
                    pass
                case Called():
                    if bequest and bequest.heard(intent):
                        return End.HANDED_OVER
                case Reload() if bequest and bequest.postpones(intent):
                    pass
                case _:
                    _do(intent, node, watch)
        except Exception as error:  # noqa: BLE001 - a bug in a reload must not take DNS down with it
            node.numbers.add(CONTROL_FAILURES, type(intent).__name__.lower())
            trace = "".join(traceback.format_exception(error)).rstrip()
            said = f"a bug of nodens, please report it; the running plan runs on\n{trace}"
            node.log.error(said)  # noqa: TRY400 - the traceback is in it: this is not logging


def _do(intent: Reload | Told, node: Node, watch: Watch) -> None:
    """Do what one intent asks for."""
    match intent:
        case Reload():
            node.reload(intent)
            watch.follow(node.prepared.watched)
        case Told(kind=kind, message=message):
            node.numbers.add(EVENTS, kind)
            if kind.endswith((" up", " gone")):
                node.log.info(message)
            else:
                node.log.warning(message)


def _first(asked: Asked, intents: Intents, log: Log) -> Prepared | None:
    """Prepare the first plan; wait for what comes by itself. None if told to stop while waiting."""
    said = ""
    give_up_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return prepare(asked.source, asked.wishes)
        except NotYetError as error:
            if time.monotonic() > give_up_s:
                raise
            if str(error) != said:
                said = str(error)
                log.error(said)  # noqa: TRY400 - not logging's: our lines have no traceback
                log.info(f"waiting: looking again every {_LOOK_AGAIN_S:.0f} s, for {PATIENCE_S:.0f} s; then this ends")
        try:
            if isinstance(intents.get(timeout=_LOOK_AGAIN_S), Stop):
                return None
        except Empty:
            continue


@contextmanager
def _lameduck(node: Node) -> Iterator[None]:
    """Go on answering for a while after traffic was pointed away, for those who have not noticed."""
    yield
    if node.lameduck_ms:
        node.log.info(f"plugin/health: Going into lameduck mode for {words.spell_duration(node.lameduck_ms)}")
        time.sleep(node.lameduck_ms / 1000)


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
    """Bring the engine's rare events to the life loop. The thread ends with the engine; nobody waits for it."""
    is_over = Event()

    def bring() -> None:
        while not is_over.is_set():
            if event := running.next_event(_EVENT_WAIT_MS):
                intents.put(Told(kind=event.kind, message=event.message))

    Thread(target=bring, name="events", daemon=True).start()
    try:
        yield
    finally:
        is_over.set()
