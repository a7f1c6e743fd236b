"""Steers once we answer, and keeps it so: drift put back, traffic given back when we can no longer be trusted with it.

One thread, from start to stop; beats have another (`heartbeat`). Nothing that happens here ends the program: it is said
once per change of state, counted, and tried again.
"""

from __future__ import annotations

import os
import select
import time
import traceback
from contextlib import contextmanager, suppress
from functools import partial
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final

from nodens import network
from nodens.errors import EngineStopped, NetworkError
from nodens.lifecycle.heartbeat import Heartbeat
from nodens.lifecycle.neighbours import Neighbours
from nodens.lifecycle.orders import Orders
from nodens.lifecycle.probe import unheard_in_part
from nodens.lifecycle.repairs import Repairs
from nodens.observe import CONTROL_FAILURES, Status, Withheld, tell_lapse, tell_let_go, tell_steering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nodens.lifecycle.ground import Ground
    from nodens.lifecycle.heartbeat import Beating
    from nodens.lifecycle.probe import Place
    from nodens.network import Steered, Watch
    from nodens.observe import Log, Numbers, Sides

_RETRY_S: Final = 1.0
_RETRY_LIMIT_S: Final = 30.0
_MUTE_RETRY_S: Final = 5.0  # each try costs pods a second: a borrowed address can be asked only while it is steered
_MUTE_RETRY_LIMIT_S: Final = 300.0
_CAPTURED_TRIES: Final = 2
_CAPTURED_WAIT_S: Final = 0.5


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
        deaf: Callable[[], tuple[str, ...]] = tuple,
        places: Callable[[], tuple[Place, ...]] = tuple,
        mute: Callable[[tuple[Place, ...]], tuple[str, ...]] | None = None,
    ) -> None:
        """Do nothing yet. `why_not` says in one line why traffic should not be pointed at us; empty: it may be.

        `deaf` names addresses that were found to give no answer; `mute` asks places and names the silent: our own
        (`places`) before traffic is pointed at us, the borrowed ones right after.
        """
        self._ground = ground
        self._why_not = why_not
        self._interval_s = interval_s
        self._sides = sides
        self._numbers = numbers
        self._log = log
        self._places = places
        self._mute = mute or partial(unheard_in_part, tries=_CAPTURED_TRIES, wait_s=_CAPTURED_WAIT_S)
        self._said = ""
        self._pause_s = _RETRY_S
        self._is_mute = False  # a borrowed address was steered, and gave no answer
        self._repairs = Repairs(log, numbers)
        self._is_over = Event()
        self._orders = Orders(self.nudge)
        self._nudging = Lock()  # a descriptor that was closed may be somebody else's
        self._is_closed = False
        self._wake, self._waker = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._thread = Thread(target=self._run, name="keeper", daemon=True)
        self._heartbeat = Heartbeat(running, self._beat, deaf, numbers=numbers, log=log)
        self._heartbeat.on_change = self.nudge

    def start(self) -> None:
        """Begin; until traffic is pointed at us, we are not ready."""
        self._sides.steering = Status(unready=("traffic is not pointed here yet",))
        self._heartbeat.start()
        self._thread.start()

    def stop(self) -> None:
        """End the threads, then point traffic away. Twice is fine. Beats go on while the keeper waits for a tool."""
        if self._is_over.is_set():
            return
        self._is_over.set()
        self.nudge()
        self._thread.join()
        self._heartbeat.stop()
        self._ground.unsteer()
        with self._nudging:
            self._is_closed = True
            for descriptor in (self._wake, self._waker):
                os.close(descriptor)

    def borrow(self, addresses: tuple[str, ...]) -> None:
        """Point traffic to these borrowed addresses at us, and to no others. Raises NetworkError; then it is as it was.

        For another thread: the keeper's own does it. What it has not begun in time it will not do later.
        """
        if addresses == self._ground.plan.borrowed_addresses:
            return
        self._orders.give(addresses, self._ground.plan.link_name)

    def captured(self) -> tuple[Place, ...]:
        """Name the borrowed places that are ours now, also for questions of this node; none without rules of ours."""
        ground = self._ground
        if not (ground.steered and ground.steered.is_steering and ground.plan.rung.spelling):
            return ()
        return tuple((address, ground.plan.port) for address in ground.plan.borrowed_addresses)

    def nudge(self) -> None:
        """Wake the keeper: there is something to look at."""
        with self._nudging, suppress(OSError):
            if not self._is_closed:
                os.write(self._waker, b".")

    def _borrow(self, addresses: tuple[str, ...]) -> None:
        """Do what was ordered; a trouble is counted as any other."""
        try:
            self._ground.borrow(addresses)
        except NetworkError as trouble:
            self._ground.count(trouble)
            raise

    def _beat(self) -> None:
        """Tell the kernel that queries are being answered."""
        if steered := self._ground.steered:
            steered.beat()

    def _run(self) -> None:
        """Steer, then keep; whatever goes wrong, begin again."""
        while not self._is_over.is_set():
            try:
                if (steered := self._ground.steered) and self._steer(steered):
                    self._pause_s = _RETRY_S
                    with steered.watch() as watch:
                        self._keep(steered, watch)
                    continue
            except EngineStopped:
                return
            except NetworkError as trouble:
                self._trouble(trouble)
                self._pause_s = min(2 * self._pause_s, _RETRY_LIMIT_S)
            except Exception as bug:  # noqa: BLE001 - a bug here must not leave the node without its keeper
                self._numbers.add(CONTROL_FAILURES, "keeper")
                trace = "".join(traceback.format_exception(bug)).rstrip()
                self._log.error(f"a bug of nodens, please report it; the keeper goes on\n{trace}")
                self._pause_s = min(2 * self._pause_s, _RETRY_LIMIT_S)
            self._rest()

    def _rest(self) -> None:
        """Pause before the next try. A nudge ends it, unless pods would pay for the try: an address is mute."""
        end_s = time.monotonic() + self._pause_s
        while not self._is_over.is_set() and (left_s := end_s - time.monotonic()) > 0:
            if self._wait((), left_s) and not self._is_mute:
                return

    def _steer(self, steered: Steered) -> bool:
        """Point traffic at us if we have something to give; whether it is so."""
        self._is_mute = False
        why = self._heartbeat.why_none()
        if not why and (without := self._why_not()):
            why = Withheld.UPSTREAMS, without
        if not why and (deaf := self._mute(self._places())):  # or some of the sockets there: another's, who hangs
            why = Withheld.DEAF, f"{', '.join(deaf)}: gives no answer to ourselves"
        if why:
            self._withhold(*why)
            self._pause_s = _RETRY_S
            self._ground.clear_away()  # a dead agent's rules must not point traffic here, either
            return False
        self._heartbeat.lapse()  # traffic was not here to be sent away
        steered.steer()
        if mute := self._mute(self.captured()):
            self._is_mute = True
            steered.unsteer()
            self._withhold(Withheld.DEAF, f"{', '.join(mute)}: gives no answer to ourselves")
            self._pause_s = min(max(2 * self._pause_s, _MUTE_RETRY_S), _MUTE_RETRY_LIMIT_S)
            return False
        tell_steering(self._numbers, None)
        self._sides.steering = Status()
        self._said = ""
        self._log.info(f"steering: {', '.join(self._ground.plan.addresses)}: {self._ground.plan.rung}")
        return True

    def _withhold(self, reason: Withheld, why: str) -> None:
        """Tell everybody why traffic is not pointed here."""
        tell_steering(self._numbers, reason)
        self._sides.steering = Status(unready=(why,))
        self._say(f"{why}; traffic is not pointed here")

    def _keep(self, steered: Steered, watch: Watch) -> None:
        """Repair until told to stop, or until no beat is earned."""
        now_s = compared_s = time.monotonic()
        self._repairs.note()  # what was taken before we began to listen
        neighbours = Neighbours(steered.neighbours)
        neighbours.have_gone(now_s)  # who goes from now on is missed
        self._ground.clear_away()
        while not self._is_over.is_set():
            looks_s = now_s + (watch.look_s or self._interval_s)
            until_s = min(compared_s + self._interval_s, self._repairs.due_s(), looks_s, neighbours.due_s)
            is_nudged = self._wait(watch.filenos(), max(0.0, until_s - now_s))
            if self._is_over.is_set():
                return
            now_s = time.monotonic()
            self._repairs.note(watch.touched())
            if now_s - compared_s >= self._interval_s:
                compared_s = now_s
                self._repairs.note()
                self._ground.clear_away()
            elif neighbours.have_gone(now_s):
                self._ground.clear_away()
            if why := self._heartbeat.why_none():
                self._let_go(steered, *why)
                return
            if (lapse := self._heartbeat.lapse()) and self._ground.plan.rung.let_go is not network.LetGo.NOTHING:
                self._log.warning(lapse)
                tell_lapse(self._numbers)
            while not self._heartbeat.troubles.empty():
                self._trouble(self._heartbeat.troubles.get())
            if is_nudged:
                self._repairs.note()  # a beat was refused, or an address is silent: is everything there?
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

    def _let_go(self, steered: Steered, reason: Withheld, why: str) -> None:
        """Point traffic away; it is pointed back when nothing speaks against it any more."""
        if reason is Withheld.WORKERS:
            stuck = ", ".join(map(str, self._heartbeat.stuck))
            said = f"worker {stuck}: no turn for more than a second; "
            said += "traffic goes to cluster DNS until all workers turn again"
        else:
            until = "until it runs freely for a while" if reason is Withheld.FROZEN else "until it does"
            said = f"{why}; traffic goes to cluster DNS {until}"
        self._log.error(said)
        self._said = f"{why}; traffic is not pointed here"  # said, in other words
        self._sides.steering = Status(unready=(why,))
        tell_let_go(self._numbers, reason)
        steered.unsteer()

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

    def _wait(self, descriptors: tuple[int, ...], limit_s: float) -> bool:
        """Wait for an event, the end, or the time; whether we were nudged."""
        woken, _, _ = select.select([*descriptors, self._wake], (), (), limit_s)
        if self._wake not in woken:
            return False
        os.read(self._wake, 64)
        self._orders.obey(self._borrow)
        return True


@contextmanager
def keeping(keeper: Keeper) -> Iterator[Keeper]:
    """Keep for as long as the block runs; on leaving traffic is pointed away first."""
    keeper.start()
    try:
        yield keeper
    finally:
        keeper.stop()
