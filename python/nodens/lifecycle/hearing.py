"""Asks our own addresses now and then, over the real sockets: workers that turn are no proof that they hear.

A thread of its own. A question that is not answered is asked again from the same port, so of the same socket; silent
twice, the address is deaf, until the same ports are answered and new ones, too. A full receive queue that somebody
reads is load, not deafness. In a hand-over or a surge whoever shares the address may answer: pods are answered, too.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, Self

from nodens.errors import EngineStopped
from nodens.lifecycle.probe import (
    Asker,
    Place,
    ask_again,
    is_heard_by_stream,
    is_lack,
    is_on_node,
    wait_for_answers,
)
from nodens.lifecycle.words import spell
from nodens.observe import CONTROL_FAILURES, LISTENER_DEAF, Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from nodens.observe import Log, Numbers, Sides

PORTS_LIMIT: Final = 8  # asked from in a round; there is a socket a worker, and chance does the rest
DOUBT_ROUNDS: Final = 2  # until silence counts where something else may explain one round of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Tempo:
    """How often is asked, and how long is waited. Round and two waits: three seconds until silence is known."""

    round_s: float = 1.5
    wait_s: float = 0.75
    stream_rounds: int = 20  # TCP is asked twice a minute: each question is a connection


TEMPO: Final = Tempo()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked now: our own places, those that are ours only as long as rules say so, and from how many ports."""

    own: tuple[Place, ...]
    borrowed: tuple[Place, ...] = ()
    ports: int = 1

    @property
    def places(self) -> tuple[Place, ...]:
        """All of them, each once."""
        return tuple(dict.fromkeys((*self.own, *self.borrowed)))


@dataclass(slots=True, kw_only=True)
class _Ear:
    """What is known of one place."""

    silent: list[Asker] = field(default_factory=list)  # whose questions were not answered last
    silent_rounds: int = 0
    mute_streams: int = 0  # rounds in which TCP was silent, too
    is_deaf: bool = False
    is_stream_deaf: bool = False

    @property
    def is_doubted(self) -> bool:
        """Whether it is asked again at once."""
        return bool(self.silent_rounds or self.mute_streams)

    def close(self) -> None:
        """Give the ports back."""
        for asker in self.silent:
            asker.close()


class Hearing:
    """Asks for as long as the context lasts; `deaf` says which addresses are silent, as last published."""

    def __init__(
        self, wanted: Callable[[], Wanted], *, sides: Sides, numbers: Numbers, log: Log, tempo: Tempo = TEMPO
    ) -> None:
        """Ask nothing yet. `on_change` is called from this thread when `deaf` has changed, or may soon."""
        self.deaf: tuple[str, ...] = ()
        self.on_change: Callable[[], None] = lambda: None
        self._wanted = wanted
        self._sides = sides
        self._numbers = numbers
        self._log = log
        self._tempo = tempo
        self._ears: dict[Place, _Ear] = {}
        self._lacks: dict[Place, str] = {}  # why a place cannot be asked
        self._is_over = Event()
        self._thread = Thread(target=self._run, name="hearing", daemon=True)

    def __enter__(self) -> Self:
        """Begin; until asked, nobody is deaf."""
        for place in self._wanted().places:
            self._numbers.put(LISTENER_DEAF, spell(*place), value=0)
            self._ears[place] = _Ear()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; what is being asked is not waited for longer than its own time."""
        self._is_over.set()
        self.on_change = lambda: None  # whom we would tell is next to go
        self._thread.join(4 * self._tempo.wait_s)

    def _pause_s(self) -> float:
        """Wait less where there is doubt; a silent round takes its time anyway."""
        is_doubtful = any(ear.is_doubted for ear in self._ears.values())
        return self._tempo.wait_s / 2 if is_doubtful else self._tempo.round_s

    def _run(self) -> None:
        """Ask, round by round."""
        rounds = 0
        while not self._is_over.wait(self._pause_s()):
            rounds += 1
            try:
                self._round(asks_streams=rounds % self._tempo.stream_rounds == 0)
            except EngineStopped:
                break
            except Exception as bug:  # noqa: BLE001 - a bug here must not end the asking
                self._numbers.add(CONTROL_FAILURES, "hearing")
                trace = "".join(traceback.format_exception(bug)).rstrip()
                self._log.error(f"a bug of nodens, please report it; asking goes on\n{trace}")
        for ear in self._ears.values():
            ear.close()

    def _round(self, *, asks_streams: bool) -> None:
        """Ask each place, and publish what changed."""
        wanted = self._wanted()
        for place in self._ears.keys() - set(wanted.places):
            self._ears.pop(place).close()
            self._numbers.drop(LISTENER_DEAF, spell(*place))
        for place in wanted.places:
            self._ears.setdefault(place, _Ear())
        silent, busy = self._ask(wanted)
        now_wanted = self._wanted().places  # steering may have ended meanwhile: then silence tells nothing
        for place in wanted.places:
            ear = self._ears[place]
            is_borrowed = place in wanted.borrowed
            unanswered = silent.get(place, [])
            if unanswered and (place in busy or place not in now_wanted or not is_on_node(place)):
                for asker in unanswered:
                    asker.close()
                continue
            if not unanswered and self._lacks.get(place):
                continue  # nobody was asked: what was known stands
            ear.silent = unanswered
            ear.silent_rounds = ear.silent_rounds + 1 if unanswered else 0
            ear.is_deaf = ear.silent_rounds >= (DOUBT_ROUNDS if is_borrowed and not ear.is_deaf else 1)
            if asks_streams or ear.mute_streams:
                self._ask_stream(place, ear)
        self._publish()

    def _ask(self, wanted: Wanted) -> tuple[dict[Place, list[Asker]], set[Place]]:
        """Ask by UDP; gives who stayed silent twice, and the places where load explains it."""
        askers = [asker for place in wanted.places for asker in self._askers(place, wanted.ports)]
        for asker in askers:
            asker.ask()
        silent = wait_for_answers(askers, self._tempo.wait_s)
        busy: set[Place] = set()
        if silent:
            silent, busy = ask_again(silent, self._tempo.wait_s)
        for asker in askers:
            if asker not in silent:
                asker.close()
        found: dict[Place, list[Asker]] = {}
        for asker in silent:
            found.setdefault(asker.place, []).append(asker)
        return found, busy

    def _askers(self, place: Place, ports: int) -> list[Asker]:
        """Take the ports that were not answered last, and as many new ones as there may be sockets."""
        askers, self._ears[place].silent = self._ears[place].silent, []
        while len(askers) > PORTS_LIMIT:
            askers.pop().close()
        lack = ""
        try:
            for _ in range(min(ports, PORTS_LIMIT)):
                askers.append(Asker(place))
        except OSError as error:  # or not on this node now: the keeper of link and rules sees to that
            lack = (error.strerror or str(error)).lower() if is_lack(error) else ""
        self._say_lack(place, lack)
        return askers

    def _say_lack(self, place: Place, lack: str) -> None:
        """Say once that we cannot ask, and once that we can again: it is no word on who would be asked."""
        before, self._lacks[place] = self._lacks.get(place, ""), lack
        if lack and not before:
            self._log.warning(
                f"{spell(*place)}: cannot be asked by ourselves: {lack}; until it can, deafness goes unseen"
            )
        elif before and not lack:
            self._log.info(f"{spell(*place)}: is asked by ourselves again")

    def _ask_stream(self, place: Place, ear: _Ear) -> None:
        """Ask by TCP, and once more if it is silent."""
        if not is_on_node(place) or any(is_heard_by_stream(place, self._tempo.wait_s) for _ in range(2)):
            ear.mute_streams = 0
        else:
            ear.mute_streams += 1
        ear.is_stream_deaf = ear.mute_streams >= DOUBT_ROUNDS

    def _publish(self) -> None:
        """Tell what changed since the last time."""
        for place, ear in self._ears.items():
            self._numbers.put(LISTENER_DEAF, spell(*place), value=int(ear.is_deaf or ear.is_stream_deaf))
        deaf = tuple(
            f"{spell(*place)}/{protocol}"
            for place, ear in self._ears.items()
            for protocol, is_so in (("udp", ear.is_deaf), ("tcp", ear.is_stream_deaf))
            if is_so
        )
        before, self.deaf = self.deaf, deaf
        for where in deaf:
            if where not in before:
                self._log.error(
                    f"{where}: gives no answer to ourselves; expected one within {2 * self._tempo.wait_s:g} s"
                )
        for where in before:
            if where not in deaf and any(where.startswith(f"{spell(*place)}/") for place in self._ears):
                self._log.info(f"{where}: gives answers to ourselves again")
        if deaf != before:
            self._sides.hearing = Status(unready=tuple(f"{where}: gives no answer to ourselves" for where in deaf))
        if deaf != before or any(ear.is_doubted for ear in self._ears.values()):
            self.on_change()
