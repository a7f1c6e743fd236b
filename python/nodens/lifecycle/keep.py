"""Steers once we answer, and keeps it so: beats that the workers earn, drift put back. One thread, from start to stop.

Nothing that happens here ends the program: it is said once per change of state, counted, and tried again.
"""

from __future__ import annotations

import os
import select
import time
import traceback
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, Protocol

from nodens.errors import EngineStopped, NetworkError
from nodens.lifecycle.heart import STILL_LIMIT_S, Heart
from nodens.lifecycle.repairs import Repairs
from nodens.observe import CONTROL_FAILURES, Status, Withheld, tell_let_go, tell_steering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nodens.lifecycle.ground import Ground
    from nodens.network import Steered, Watch
    from nodens.observe import Log, Numbers, Sides

BEAT_S: Final = 0.5  # a quarter of the time for which the rules outlive a beat
_SLEPT_S: Final = 1.0  # a turn that comes this late: we were stopped, or starved
_RETRY_S: Final = 1.0
_RETRY_LIMIT_S: Final = 30.0
_ORDER_S: Final = 20.0  # iptables may wait for its lock; a reload must not wait for ever


class Beating(Protocol):
    """Whose turns are counted."""

    def pulse(self) -> tuple[int, ...]:
        """Turns of each worker so far."""


@dataclass(slots=True, kw_only=True)
class _Order:
    """A change of addresses that another thread waits for."""

    addresses: tuple[str, ...]
    is_done: Event = field(default_factory=Event)
    trouble: NetworkError | None = None


class Keeper:
    """Keeps link and rules as they should be, in a thread of its own."""

    def __init__(  # noqa: PLR0913 - all it works with, once
        self,
        ground: Ground,
        running: Beating,
        *,
        why_not: Callable[[], str],
        interval_s: float,
        sides: Sides,
        numbers: Numbers,
        log: Log,
    ) -> None:
        """Do nothing yet. `why_not` says in one line why traffic should not be pointed at us; empty: it may be."""
        self._ground = ground
        self._running = running
        self._why_not = why_not
        self._interval_s = interval_s
        self._sides = sides
        self._numbers = numbers
        self._log = log
        self._said = ""
        self._repairs = Repairs(log, numbers)
        self._is_over = Event()
        self._orders: SimpleQueue[_Order] = SimpleQueue()
        self._are_mistrusted = False
        self._wake, self._waker = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._thread = Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        """Begin; until traffic is pointed at us, we are not ready."""
        self._sides.steering = Status(unready=("traffic is not pointed here yet",))
        self._thread.start()

    def stop(self) -> None:
        """End the thread, then point traffic away. Twice is fine."""
        if self._is_over.is_set():
            return
        self._is_over.set()
        self._nudge()
        self._thread.join()
        self._ground.unsteer()
        for descriptor in (self._wake, self._waker):
            os.close(descriptor)

    def borrow(self, addresses: tuple[str, ...]) -> None:
        """Point traffic to these borrowed addresses at us, and to no others. Raises NetworkError; then it is as it was.

        For another thread: the keeper's own does it.
        """
        if addresses == self._ground.plan.borrowed_addresses:
            return
        order = _Order(addresses=addresses)
        self._orders.put(order)
        self._nudge()
        if not order.is_done.wait(_ORDER_S):
            raise NetworkError("change the addresses", self._ground.plan.link_name, f"not done in {_ORDER_S:.0f} s")
        if order.trouble:
            raise order.trouble

    def _obey(self) -> None:
        """Do what was ordered since the last look."""
        while not self._orders.empty():
            order = self._orders.get()
            try:
                self._ground.borrow(order.addresses)
            except NetworkError as trouble:
                order.trouble = trouble
                self._ground.count(trouble)
            order.is_done.set()

    def _nudge(self) -> None:
        """Wake the thread."""
        with suppress(OSError):
            os.write(self._waker, b".")

    def _run(self) -> None:
        """Steer, then keep; whatever goes wrong, begin again."""
        pause_s = _RETRY_S
        while not self._is_over.is_set():
            try:
                if (steered := self._ground.steered) and self._steer(steered):
                    pause_s = _RETRY_S
                    with steered.watch() as watch:
                        self._keep(steered, watch)
                    continue
            except EngineStopped:
                return
            except NetworkError as trouble:
                self._trouble(trouble)
                pause_s = min(2 * pause_s, _RETRY_LIMIT_S)
            except Exception as bug:  # noqa: BLE001 - a bug here must not leave the node without its keeper
                self._numbers.add(CONTROL_FAILURES, "keeper")
                trace = "".join(traceback.format_exception(bug)).rstrip()
                self._log.error(f"a bug of nodens, please report it; the keeper goes on\n{trace}")
                pause_s = min(2 * pause_s, _RETRY_LIMIT_S)
            self._wait((), pause_s)

    def _steer(self, steered: Steered) -> bool:
        """Point traffic at us if we have something to give; whether it is so."""
        hang = self._why_they_hang()
        if why_not := hang or self._why_not():
            tell_steering(self._numbers, Withheld.WORKERS if hang else Withheld.UPSTREAMS)
            self._say(f"{why_not}; traffic is not pointed here")
            self._sides.steering = Status(unready=(why_not,))
            self._ground.clear_away()  # a dead agent's rules must not point traffic here, either
            return False
        steered.steer()
        tell_steering(self._numbers, None)
        self._sides.steering = Status()
        self._said = ""
        self._log.info(f"steering: {', '.join(self._ground.plan.addresses)}: {self._ground.plan.rung}")
        return True

    def _keep(self, steered: Steered, watch: Watch) -> None:
        """Beat and repair until told to stop, or until the workers no longer turn."""
        now_s = beaten_s = compared_s = time.monotonic()
        heart = Heart.first(self._running.pulse(), now_s)
        self._repairs.note()  # what was taken before we began to listen
        self._ground.clear_away()
        while not self._is_over.is_set():
            until_s = min(beaten_s + BEAT_S, self._repairs.due_s(), now_s + (watch.look_s or BEAT_S))
            self._wait(watch.filenos(), max(0.0, until_s - now_s))
            if self._is_over.is_set():
                return
            now_s = time.monotonic()
            self._repairs.note(watch.touched())
            if now_s - compared_s >= self._interval_s:
                compared_s = now_s
                self._repairs.note()
                self._ground.clear_away()
            if now_s - beaten_s >= BEAT_S:
                turns = self._running.pulse()
                # A turn of ours that comes late: we were stopped, and what was seen before says nothing.
                heart = Heart.first(turns, now_s) if now_s - beaten_s > _SLEPT_S else heart.felt(turns, now_s)
                beaten_s = now_s
                if stuck := heart.stuck(now_s):
                    self._let_go(steered, stuck)
                    return
                if heart.has_earned(now_s) and not self._is_done(steered.beat):
                    self._repairs.note()
            if now_s >= self._repairs.due_s():
                self._is_done(partial(self._repair, steered, now_s))

    def _is_done(self, step: Callable[[], None]) -> bool:
        """Do a step; a trouble is told, and the keeper goes on."""
        try:
            step()
        except NetworkError as trouble:
            self._trouble(trouble)
            return False
        return True

    def _repair(self, steered: Steered, now_s: float) -> None:
        """Put back what is missing; then what was said before holds no more."""
        if self._repairs.do(steered, now_s):
            self._said = ""

    def _let_go(self, steered: Steered, stuck: tuple[int, ...]) -> None:
        """Point traffic away while workers hang; the next round asks ourselves before it is pointed back."""
        self._log.error(
            f"worker {', '.join(map(str, stuck))}: no turn for more than a second; "
            "traffic goes to cluster DNS until all workers turn again"
        )
        self._sides.steering = Status(unready=("workers hang",))
        tell_let_go(self._numbers, Withheld.WORKERS)
        self._are_mistrusted = True
        steered.unsteer()

    def _why_they_hang(self) -> str:
        """After workers hung: watch each of them turn before they are trusted again."""
        if not self._are_mistrusted:
            return ""
        before = self._running.pulse()
        self._wait((), STILL_LIMIT_S)
        still = [
            str(number)
            for number, (old, new) in enumerate(zip(before, self._running.pulse(), strict=True))
            if old == new
        ]
        self._are_mistrusted = bool(still)
        return f"worker {', '.join(still)} hangs" if still else ""

    def _trouble(self, trouble: NetworkError) -> None:
        """Count it, say it once."""
        self._ground.count(trouble)
        steered = self._ground.steered
        if not (steered and steered.is_steering):
            tell_steering(self._numbers, Withheld.TROUBLE)
            self._sides.steering = Status(unready=(str(trouble),))
        self._say(str(trouble))

    def _say(self, text: str) -> None:
        """Say a change of state once."""
        if text != self._said:
            self._said = text
            self._log.error(text)

    def _wait(self, descriptors: tuple[int, ...], limit_s: float) -> None:
        """Wait for an event, the end, or the time."""
        woken, _, _ = select.select([*descriptors, self._wake], (), (), limit_s)
        if self._wake in woken:
            os.read(self._wake, 64)
            self._obey()


@contextmanager
def keeping(keeper: Keeper) -> Iterator[Keeper]:
    """Keep for as long as the block runs; on leaving traffic is pointed away first."""
    keeper.start()
    try:
        yield keeper
    finally:
        keeper.stop()
