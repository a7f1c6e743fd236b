"""Where the process after us knocks: a name that is taken, a thread that lets in, and one guest at a time for all."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final, Self

from nodens.lifecycle.line import HandoverError, Line
from nodens.lifecycle.visit import Visit

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from nodens.lifecycle.intents import Intents
    from nodens.observe import Log

VISITS_LIMIT: Final = 4  # at a time, the one that asks for all included; more than a node ever has at once
_KNOCK_AGAIN_S: Final = 1.0
_LOOK_S: Final = 0.25


def _serve_nothing() -> Collection[tuple[str, int]]:
    """Say which ports are served before any is."""
    return ()


class Door:
    """The listening socket. A context manager; on leaving, who knocks finds nobody, or our successor."""

    def __init__(self, name: str, intents: Intents, log: Log, inherited: int | None = None) -> None:
        """Hold the socket of the process before us, or take the name when entered, if it is free."""
        self._name = name
        self._intents = intents
        self._log = log
        self._listening = None if inherited is None else socket.socket(fileno=inherited)
        self._is_inherited = inherited is not None
        self._is_over = Event()
        self._thread: Thread | None = None
        self._lock = Lock()
        self._visits: set[Visit] = set()
        self._guest: Visit | None = None
        self._refusal = ""
        self.serves: Callable[[], Collection[tuple[str, int]]] = _serve_nothing

    def __enter__(self) -> Self:
        """Open it. One that came from the process before us is still its own to answer at, until `open`."""
        if not self._is_inherited:
            self._take_name()
            self.open()
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._is_over.set()
        self.refuse("it is stopping")
        if self._thread:
            self._thread.join(_KNOCK_AGAIN_S)
        if self._listening:
            self._listening.close()

    @property
    def descriptor(self) -> int | None:
        """The listening socket, to hand over; None while somebody else has the name."""
        return self._listening.fileno() if self._listening else None

    def open(self) -> None:
        """Let in who knocks. Twice is fine."""
        if self._thread:
            return
        if self._is_inherited and self._listening:
            with suppress(OSError):
                self._listening.listen()  # from now on the kernel tells those who knock our pid, not the last one's
        self._thread = Thread(target=self._run, name="door", daemon=True)
        self._thread.start()

    def refuse(self, why: str) -> None:
        """Hand nothing over from now on: end the visit under way, tell the next ones why not."""
        with self._lock:
            self._refusal = why
            visits = list(self._visits)
        for visit in visits:
            visit.end()

    def _take_name(self) -> bool:
        """Take the name if it is free."""
        if self._listening is None:
            made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            try:
                made.bind(self._name)
                made.listen()
            except OSError:
                made.close()
                return False
            self._listening = made
        return True

    def _run(self) -> None:
        """Let one after the other in."""
        was_taken = self._listening is None
        while not self._is_over.is_set():
            if not self._take_name() or self._listening is None:
                self._is_over.wait(_KNOCK_AGAIN_S)
                continue
            if was_taken:
                was_taken = False
                self._log.info("the name of the hand-over is free: the process after us can take over now")
            self._listening.settimeout(_LOOK_S)
            with suppress(OSError, HandoverError):
                self._let_in(Line(self._listening.accept()[0]))

    def _let_in(self, line: Line) -> None:
        """Hear a visitor out in a thread of its own, unless there are too many."""
        visit = Visit(line, self._name, self._intents, self._admit)
        with self._lock:
            is_full = len(self._visits) >= VISITS_LIMIT
            if not is_full:
                self._visits.add(visit)
        if is_full:
            with suppress(HandoverError):
                line.say({"refuses": "it is busy with others"})
            line.close()
            return
        Thread(target=self._hear_out, args=(visit,), name="visit", daemon=True).start()

    def _hear_out(self, visit: Visit) -> None:
        """Hear one visitor out."""
        try:
            visit.run(self.serves())
        finally:
            with self._lock:
                self._visits.discard(visit)
                if self._guest is visit:
                    self._guest = None

    def _admit(self, visit: Visit) -> str:
        """Let one at a time ask for all; say why not."""
        with self._lock:
            if not self._refusal and self._guest is None:
                self._guest = visit
                return ""
            return self._refusal or "it is busy handing over to another one"
