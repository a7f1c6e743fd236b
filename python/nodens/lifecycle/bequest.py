"""The side of the life loop in a hand-over: what is lent, what is taken back, and when it is the process after us's."""

from __future__ import annotations

import os
import time
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from nodens.errors import EngineError, NodensError
from nodens.lifecycle.estate import Estate, copy_of
from nodens.lifecycle.intents import Called, Reload, Stop
from nodens.lifecycle.line import DESCRIPTORS_LIMIT
from nodens.lifecycle.succession import spell_steering
from nodens.lifecycle.visit import Offer, Visit, Word
from nodens.observe import Outcome, Role, tell_handover

if TYPE_CHECKING:
    from nodens.engine import Running
    from nodens.lifecycle.intents import Intents
    from nodens.lifecycle.succession import Standing
    from nodens.observe import Log

CACHE_MS: Final = 3_000  # the caches of a node go over in a fraction of it
_UNPROVED_S: Final = 60.0  # between two lines on those who prove nothing: anybody of uid 0 may knock


class Helm(Protocol):
    """Who steers, and may be told to let go."""

    def let_go(self) -> None:
        """Steer no more, and change nothing."""

    def take_back(self) -> None:
        """Steer again."""


class Bequest:
    """A hand-over as the life loop sees it: nothing is lent; or lent to one visitor; or left to it, if it takes it."""

    def __init__(self, standing: Standing, running: Running, helm: Helm, intents: Intents, log: Log) -> None:
        """Lend nothing yet."""
        self._standing = standing
        self._running = running
        self._helm = helm
        self._intents = intents
        self._log = log
        self._heir: Visit | None = None
        self._has_left = False
        self._unproved_s = 0.0  # until when nobody without a proof is told of
        self._is_gone = False  # "gone" was ordered: it is about to be the heir's
        self._postponed: list[Reload | Stop] = []
        # The heir gets the one end, we alone have the other and never close it: it ends when we are dead, not before.
        self._life, self._our_life = os.pipe()

    def postpones(self, intent: Reload | Stop) -> bool:
        """Whether this must wait: what was lent may not change under the one who has it.

        To stop waits only for the answer to "gone", which comes or does not in a moment: it settles whose all is.
        """
        must_wait = self._is_gone if isinstance(intent, Stop) else bool(self._heir)
        if must_wait:
            self._postponed.append(intent)
        return must_wait

    def heard(self, called: Called) -> bool:
        """Do what the process after us asks for; whether it has all now. Until then we go on as before."""
        visit = called.visit
        if called.word is Word.BESIDE:
            self._say_beside(visit)
        elif called.word is Word.ASKS:
            self._lend(visit)
        elif visit is self._heir:
            match called.word:
                case Word.READS:
                    self._leave(visit)
                case Word.TAKES:
                    self._is_gone = True
                    visit.answer("gone")
                case Word.HAS:
                    return self._give(visit)
                case _:
                    self._take_back(f"nothing was handed over to {visit}: {called.why}; we go on")
        return False

    def stop(self) -> None:
        """Hand nothing over any more; what was lent and left is ours again, to be put in order."""
        self._standing.door.refuse("it is stopping")
        if self._heir:
            self._heir, self._has_left = None, False
            self._standing.ground.is_left = self._standing.ground.plan.is_left

    def _say_beside(self, visit: Visit) -> None:
        """Say that it lives beside us; who has not proved that it could is heard once a minute."""
        now_s = time.monotonic()
        if not visit.is_agent:
            if now_s < self._unproved_s:
                return
            self._unproved_s = now_s + _UNPROVED_S
        self._log.info(f"{visit} lives beside us now; both serve until one is stopped")

    def _lend(self, visit: Visit) -> None:
        """Give duplicates of everything, and the cache after them."""
        try:
            offer = self._offer()
        except (NodensError, OSError) as error:
            self._log.warning(f"nothing was handed over to {visit}: {error}; we go on")
            visit.end(str(error))
            tell_handover(self._standing.numbers, Role.GIVEN, Outcome.REFUSED)
            return
        if len(offer.estate.descriptors()) > DESCRIPTORS_LIMIT or self._standing.door.descriptor is None:
            offer.close()
            visit.end("all that we hold does not fit into one message")
            tell_handover(self._standing.numbers, Role.GIVEN, Outcome.REFUSED)
            return
        self._heir = visit
        visit.answer(offer)

    def _offer(self) -> Offer:
        """Duplicate what is to be lent. Raises EngineError or OSError."""
        ground = self._standing.ground
        door = self._standing.door.descriptor
        if door is None:
            raise OSError("another one holds the door")
        read_end, write_end = os.pipe()
        estate = Estate(
            instance=ground.plan.instance,
            steering=spell_steering(ground.plan),
            sockets=tuple(self._running.sockets()),
            door=os.dup(door),
            cache=read_end,
            life=os.dup(self._life),
            tun=copy_of(ground.link.tun if ground.link else None),
            table=copy_of(ground.steered.table.fileno() if ground.steered and ground.steered.table else None),
        )
        send_cache, drop_cache = partial(self._send_cache, write_end), partial(os.close, write_end)
        return Offer(estate=estate, send_cache=send_cache, drop_cache=drop_cache)

    def _send_cache(self, write_end: int) -> None:
        """Send what the cache knows; for the visit's thread. It comes whole, or in part: that is no reason to stop."""
        try:
            self._running.export_cache(write_end, CACHE_MS)
        except EngineError as error:
            self._log.warning(f"the cache was not handed over whole: {error}")
        finally:
            os.close(write_end)

    def _leave(self, visit: Visit) -> None:
        """Steer no more, so that only one does; go on answering until it has taken all."""
        self._has_left = True
        self._helm.let_go()
        visit.answer("left")

    def _give(self, visit: Visit) -> bool:
        """Read no more: it is the other one's. There is no way back."""
        try:
            self._running.hand_over()
        except EngineError as error:
            self._log.error(f"{error}; it ends with us")
        self._log.info(f"handed over to {visit}")
        tell_handover(self._standing.numbers, Role.GIVEN, Outcome.DONE)
        for each in self._postponed:
            if isinstance(each, Stop):
                self._intents.put(each)
        return True

    def _take_back(self, why: str) -> None:
        """Go on as before."""
        self._log.warning(why)
        tell_handover(self._standing.numbers, Role.GIVEN, Outcome.FAILED)
        self._heir, self._is_gone = None, False
        if self._has_left:
            self._has_left = False
            self._helm.take_back()
        for each in self._postponed:
            self._intents.put(each)
        self._postponed.clear()
