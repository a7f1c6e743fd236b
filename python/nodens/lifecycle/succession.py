"""Beginning where another serves: who is at the door, what is lent, and when it is ours."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from nodens import engine
from nodens.errors import BindError, EngineError, NetworkError
from nodens.lifecycle import handover, words
from nodens.lifecycle.door import Door
from nodens.lifecycle.ground import Ground, steering_plan
from nodens.lifecycle.line import HandoverError, close_all
from nodens.lifecycle.refuse import choose_rung, refuse_taken_ports
from nodens.observe import Outcome, Role, tell_handover

if TYPE_CHECKING:
    from contextlib import ExitStack

    from nodens.engine import Running
    from nodens.lifecycle.estate import Estate
    from nodens.lifecycle.handover import Predecessor
    from nodens.lifecycle.intents import Intents
    from nodens.network import SteeringPlan
    from nodens.observe import Log, Numbers
    from nodens.plan import Plan

_CACHE_MS: Final = 3_000  # the caches of a node come over in a fraction of it


class NotTakenError(NetworkError):
    """What was lent did not become ours in time, and its owner goes on: we may begin anew, beside it."""


@dataclass(slots=True, kw_only=True)
class Standing:
    """Where this life stands: the ground it holds, the door for the next, and who lends it what it stands on."""

    ground: Ground
    door: Door
    before: Predecessor | None
    is_sharing: bool
    numbers: Numbers

    @property
    def is_heir(self) -> bool:
        """Whether we serve what another one lent us, and which is not ours yet."""
        return bool(self.before and self.before.estate)

    def bind(self, plan: Plan, log: Log) -> engine.Bound:
        """Bind the engine, with the sockets and the cache of the process before us if it lent them."""
        estate = self.before.estate if self.before else None
        if not self.before or not estate:
            return engine.bind(plan.engine, is_sharing=self.is_sharing)
        try:
            bound = engine.bind(plan.engine, sockets=estate.sockets, is_sharing=True)
        finally:
            close_all([row[3] for row in estate.sockets])
        try:
            taken = bound.import_cache(estate.cache, _CACHE_MS).taken
            log.info(f"{len(estate.sockets)} sockets and {taken} cache entries came from {self.before}")
        except EngineError as error:
            log.warning(f"the cache of {self.before} did not come whole: {error}")
        finally:
            close_all([estate.cache])
        return bound

    def take_over(self, running: Running, log: Log) -> None:
        """Make what we stand on ours, now that we answer. Raises NotTakenError: then it is the other's as before."""
        if self.before and self.before.estate:
            self._take(self.before, self.before.estate, log)
            tell_handover(self.numbers, Role.TAKEN, Outcome.DONE)
        running.is_handed_over = False
        self.ground.settle()
        self.door.open()

    def _take(self, before: Predecessor, estate: Estate, log: Log) -> None:
        """Wait until the process before us has let go, or is dead."""
        started_s = time.monotonic()
        try:
            before.take()
            log.info(f"took over from {before} in {(time.monotonic() - started_s) * 1000:.0f} ms")
        except HandoverError as error:
            if not estate.is_orphaned(handover.DEATH_S):
                why = f"{error}; it lives and goes on, and nothing of it was changed"
                raise NotTakenError("take over", str(before), why) from error
            log.warning(f"{before} ended while it handed over: {error}; we serve what it lent")
        finally:
            before.close()
        close_all([estate.life])


def stand(  # noqa: PLR0913 - all that the ground and the door are made with
    plan: Plan,
    life: ExitStack,
    intents: Intents,
    log: Log,
    numbers: Numbers,
    *,
    takes_over: bool,
    has_failed: bool = False,
) -> Standing:
    """Find out who is here, refuse or agree, and hold the ground. Raises NetworkError or BindError.

    `has_failed`: a hand-over came to nothing just now, so nothing is asked for: both live beside each other.
    """
    if has_failed:
        tell_handover(numbers, Role.TAKEN, Outcome.FAILED)
    address = (*plan.network.own_addresses, *plan.network.borrowed_addresses)[0]
    name = handover.door_name(address, plan.network.port)
    where = words.spell(address, plan.network.port)
    before = _meet(name, where, takes_over=takes_over)
    is_shared = _refuse_strangers(before, plan, log, takes_over=takes_over)
    wanted = steering_plan(plan.network, choose_rung(plan.network))
    if before and (before.is_agent or is_shared):
        if has_failed:
            before.refusal = before.refusal or "it was too slow, or we were"
        wanted = _borrow(before, wanted, log)
        if not before.estate and not has_failed:
            tell_handover(numbers, Role.TAKEN, Outcome.REFUSED)
    elif before:
        log.warning(f"{where}: {before} has the name of the hand-over and does not serve: {before.refusal}; we go on")
        before.close()
    estate = before.estate if before else None
    door = life.enter_context(Door(name, intents, log, estate.door if estate else None))
    if door.descriptor is None and not before:
        if first := _meet(name, where, takes_over=takes_over):  # it came in the same moment, and was first
            first.close()
        log.warning(f"{where}: the name of the hand-over is somebody else's; until it is free nobody can take over")
    standing = Standing(
        ground=Ground(wanted, log, numbers, estate), door=door, before=before, is_sharing=takes_over, numbers=numbers
    )
    life.enter_context(standing.ground)
    return standing


def _meet(name: str, where: str, *, takes_over: bool) -> Predecessor | None:
    """Look who is at the door. Raises NetworkError if it is an agent and we may not take over from it."""
    before = handover.meet(name)
    if before and before.is_agent and not takes_over:
        before.close()
        why = f"nodens {before.version} ({before}) serves it already\nhint: -takeover takes it over without a gap"
        raise NetworkError("start beside it", where, why)
    return before


def _refuse_strangers(before: Predecessor | None, plan: Plan, log: Log, *, takes_over: bool) -> bool:
    """Refuse ports that somebody serves who does not lend them, before anything is asked for. Raises BindError.

    Gives whether one is to be shared.
    """
    served = before.serves if before and before.is_agent else frozenset()
    try:
        refuse_taken_ports(each for each in plan.engine.listeners if (each.address, each.port) not in served)
    except BindError as error:
        may_share = takes_over and not served and not (before and not before.is_of_us)
        if not may_share:
            if before:
                log.warning(f"{before} has the name of the hand-over{before.refusal and ': ' + before.refusal}")
                before.close()
            raise
        log.warning(f"{error}; shared with it, as -takeover asks")
        return True
    return False


def _borrow(before: Predecessor, wanted: SteeringPlan, log: Log) -> SteeringPlan:
    """Borrow all that the process before us has, if it steers as we want to; gives how we steer then."""
    before.borrow()
    estate = before.estate
    if estate and estate.steering == spell_steering(wanted):
        return replace(wanted, instance=estate.instance)
    why = before.refusal or "it steers in another way"
    log.warning(f"{before} hands nothing over: {why}; both serve until it is stopped")
    before.live_beside()
    if estate:
        estate.close()
    before.estate = None
    return wanted


def spell_steering(plan: SteeringPlan) -> str:
    """Spell what two agents must agree on, so that one can go on where the other stopped."""
    return repr(replace(plan, instance="", rung=replace(plan.rung, reason="")))
