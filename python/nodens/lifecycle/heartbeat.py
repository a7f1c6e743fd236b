"""Gives the beats that the packet workers earn, in a thread of its own: no lock, tool or repair holds one up."""

from __future__ import annotations

import time
import traceback
from queue import SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, Protocol

from nodens.errors import EngineStopped, NetworkError
from nodens.lifecycle.heart import Heart
from nodens.observe import CONTROL_FAILURES, Withheld

if TYPE_CHECKING:
    from collections.abc import Callable

    from nodens.observe import Log, Numbers

BEAT_S: Final = 0.5  # a quarter of the time for which the rules outlive a beat
_SLEPT_S: Final = 1.0  # a turn that comes this late: we were stopped, or starved


class Beating(Protocol):
    """Whose turns are counted."""

    def pulse(self) -> tuple[int, ...]:
        """Turns of each worker so far."""


class Heartbeat:
    """Beats while every worker turns and no address is deaf; from start to stop, whether or not traffic comes.

    `troubles`: what the kernel said to beats, for the keeper of link and rules, who repairs.
    """

    def __init__(
        self,
        running: Beating,
        beat: Callable[[], None],
        deaf: Callable[[], tuple[str, ...]],
        *,
        numbers: Numbers,
        log: Log,
    ) -> None:
        """Give no beat yet. `on_change` is called from this thread when there is something to look at."""
        self.troubles: SimpleQueue[NetworkError] = SimpleQueue()
        self.stuck: tuple[int, ...] = ()  # workers that hang, or that hung and were not seen to turn since
        self.on_change: Callable[[], None] = lambda: None
        self._running = running
        self._beat = beat
        self._deaf = deaf
        self._numbers = numbers
        self._log = log
        self._is_over = Event()
        self._thread = Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Give no beat any more."""
        self._is_over.set()
        self._thread.join()

    def why_none(self) -> tuple[Withheld, str] | None:
        """Say why no beat is given, in few words; None: they are, or nothing speaks against it."""
        if stuck := self.stuck:
            return Withheld.WORKERS, f"worker {', '.join(map(str, stuck))} hangs"
        if deaf := self._deaf():
            return Withheld.DEAF, f"{', '.join(deaf)}: gives no answer to ourselves"
        return None

    def _run(self) -> None:
        """Beat until stopped; whatever goes wrong, the next one is tried."""
        now_s = time.monotonic()
        heart: Heart | None = None
        while True:
            try:
                felt_s, now_s = now_s, time.monotonic()
                heart = self._turn(heart, felt_s, now_s)
            except EngineStopped:
                return
            except Exception as bug:  # noqa: BLE001 - a bug here must not leave the rules without beats
                self._numbers.add(CONTROL_FAILURES, "heartbeat")
                trace = "".join(traceback.format_exception(bug)).rstrip()
                self._log.error(f"a bug of nodens, please report it; beats go on\n{trace}")
            if self._is_over.wait(BEAT_S):
                return

    def _turn(self, heart: Heart | None, felt_s: float, now_s: float) -> Heart:
        """Feel the workers, beat if they earned it, and tell what changed."""
        turns = self._running.pulse()
        # A turn of ours that comes late: we were stopped, and what was seen before says nothing.
        is_late = now_s - felt_s > _SLEPT_S
        heart = Heart.first(turns, now_s) if heart is None or is_late else heart.felt(turns, now_s)
        stuck = heart.stuck(now_s)
        if self.stuck and not stuck and not heart.has_earned(now_s):
            stuck = self.stuck  # not trusted before each was seen to turn
        before, self.stuck = self.stuck, stuck
        if heart.has_earned(now_s) and not self._deaf():
            try:
                self._beat()
            except NetworkError as trouble:
                self.troubles.put(trouble)
                self.on_change()
        if stuck != before:
            self.on_change()
        return heart
