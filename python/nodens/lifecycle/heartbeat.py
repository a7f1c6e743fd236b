"""Gives the beats that the packet workers earn, in a thread of its own: no lock, tool or repair holds one up."""

from __future__ import annotations

import time
import traceback
from queue import SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, Protocol

from nodens import network
from nodens.errors import EngineStopped, NetworkError
from nodens.lifecycle.heart import Heart
from nodens.observe import CONTROL_FAILURES, Withheld

if TYPE_CHECKING:
    from collections.abc import Callable

    from nodens.observe import Log, Numbers

BEAT_S: Final = 0.5  # a quarter of the time for which the rules outlive a beat
_SLEPT_S: Final = 1.0  # a turn that comes this late: we were stopped, or starved
_HOLD_S: Final = network.HOLD_MS / 1000  # without a beat for longer, rules sent traffic to cluster DNS
_EPISODE_S: Final = 30.0  # two lapses in this time are one trouble, not two accidents
_CALM_TURNS: Final = 8  # of ours, in time, before traffic is trusted to a process that is stopped again and again


class Beating(Protocol):
    """Whose turns are counted."""

    def pulse(self) -> tuple[int, ...]:
        """Turns of each worker so far."""


class Heartbeat:
    """Beats while every worker turns and no address is deaf; from start to stop, whether or not traffic comes.

    `troubles`: what the kernel said to beats, for the keeper of link and rules, who repairs. `lapse`: that beats were
    missing because we slept; for the keeper, too, who tells. After a second one no beat is given until we turn in time
    for a while: or the pods would change to and fro with each pulse.
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
        self._lapses: SimpleQueue[float] = SimpleQueue()
        self._beaten_s: float | None = None  # the last beat, while nothing but sleep kept us from the next
        self._lapsed_s: float | None = None  # the last lapse
        self._calm_left = 0  # turns in time until beats are given again
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
        if self._calm_left:
            return Withheld.FROZEN, "this process is stopped or starved again and again"
        return None

    def lapse(self) -> str:
        """Say what lapse there was since the last look; empty: none."""
        said = ""
        while not self._lapses.empty():
            said = f"no beat for {self._lapses.get():.1f} s: we were stopped or starved; cluster DNS answered meanwhile"
        return said

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
        if stuck or self._deaf():
            self._beaten_s = None  # told as what it is
        elif self._is_calm(now_s, is_late=is_late) and heart.has_earned(now_s) and not self._has_lapsed(now_s):
            self._beaten_s = now_s
            try:
                self._beat()
            except NetworkError as trouble:
                self.troubles.put(trouble)
                self.on_change()
        if stuck != before:
            self.on_change()
        return heart

    def _is_calm(self, now_s: float, *, is_late: bool) -> bool:
        """Count turns in time, if they are counted; whether there were enough."""
        if not self._calm_left:
            return True
        self._calm_left = _CALM_TURNS if is_late else self._calm_left - 1
        if not self._calm_left:
            self._beaten_s, self._lapsed_s = None, now_s
            self.on_change()
        return not self._calm_left

    def _has_lapsed(self, now_s: float) -> bool:
        """Notice that rules ran out before this beat, and tell; whether that is too often to go on at once."""
        if self._beaten_s is None or (lapse_s := now_s - self._beaten_s) <= _HOLD_S:
            return False
        is_again = self._lapsed_s is not None and now_s - self._lapsed_s < _EPISODE_S
        self._lapsed_s = now_s
        if is_again:
            self._calm_left = _CALM_TURNS
        else:
            self._lapses.put(lapse_s)
        self.on_change()
        return is_again
