"""Beginning where another serves, and ending where another begins: what `handover` carries, put to use."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from nodens import engine
from nodens.errors import BindError, EngineError, NetworkError
from nodens.lifecycle import handover, words
from nodens.lifecycle.ground import Ground, steering_plan
from nodens.lifecycle.refuse import choose_rung, refuse_taken_ports

if TYPE_CHECKING:
    from contextlib import ExitStack

    from nodens.engine import Running
    from nodens.lifecycle.handover import Door, Line, Predecessor
    from nodens.lifecycle.intents import Intents, Visit
    from nodens.lifecycle.keep import Keeper
    from nodens.network import SteeringPlan
    from nodens.observe import Log, Numbers
    from nodens.plan import Plan

_CACHE_MS: Final = 3_000  # the caches of a node go over in a fraction of it


@dataclass(slots=True, kw_only=True)
class Standing:
    """Where this life stands: the ground it holds, the door for the next, and who was there before, if anybody."""

    ground: Ground
    door: Door
    before: Predecessor | None
    is_sharing: bool

    def bind(self, plan: Plan, log: Log) -> engine.Bound:
        """Bind the engine, with the sockets and the cache of the process before us if it gave them."""
        estate = self.before.estate if self.before else None
        if not estate:
            return engine.bind(plan.engine, is_sharing=self.is_sharing)
        rows = estate.sockets
        try:
            bound = engine.bind(plan.engine, sockets=rows, is_sharing=True)
        finally:
            handover.close_all([row[3] for row in estate.sockets])
        try:
            taken = bound.import_cache(estate.cache, _CACHE_MS).taken
            log.info(f"{len(rows)} sockets and {taken} cache entries came from pid {estate.pid}")
        except EngineError as error:
            log.warning(f"the cache of pid {estate.pid} did not come whole: {error}")
        finally:
            handover.close_all([estate.cache])
        return bound

    def take_over(self, log: Log) -> None:
        """Tell the process before us that we answer, and wait until it has let go."""
        if not (self.before and self.before.estate):
            return
        started_s = time.monotonic()
        if self.before.has_left():
            log.info(f"took over from pid {self.before.pid} in {(time.monotonic() - started_s) * 1000:.0f} ms")
        else:
            log.warning(f"pid {self.before.pid} did not say that it left; we serve what it gave")


def stand(  # noqa: PLR0913 - all that the ground and the door are made with
    plan: Plan, life: ExitStack, intents: Intents, log: Log, numbers: Numbers, *, takes_over: bool
) -> Standing:
    """Find out who is here, refuse or agree, and hold the ground. Raises NetworkError or BindError."""
    address = (*plan.network.own_addresses, *plan.network.borrowed_addresses)[0]
    name = handover.door_name(address, plan.network.port)
    where = words.spell(address, plan.network.port)
    before = _meet(name, where, takes_over=takes_over)
    if not before:
        try:
            refuse_taken_ports(plan.engine.listeners)
        except BindError as error:
            if not takes_over:
                raise
            log.warning(f"{error}; shared with it, as -takeover asks")
    wanted = steering_plan(plan.network, choose_rung(plan.network))
    estate = before.estate if before else None
    if before and (not estate or estate.steering != spell_steering(wanted)):
        why = before.refusal or "it steers in another way"
        log.warning(f"pid {before.pid} hands nothing over: {why}; both serve until it is stopped")
        before.say("beside")
        before.close()
        if estate:
            estate.close()
        before.estate = estate = None
    if estate:
        wanted = replace(wanted, instance=estate.instance)
    door = life.enter_context(handover.Door(name, intents, estate.door if estate else None))
    if door.descriptor is None and not takes_over:
        _meet(name, where, takes_over=False)  # it came in the same moment, and was first
    standing = Standing(ground=Ground(wanted, log, numbers, estate), door=door, before=before, is_sharing=takes_over)
    life.enter_context(standing.ground)
    return standing


def _meet(name: str, where: str, *, takes_over: bool) -> Predecessor | None:
    """Look who is here. Raises NetworkError if somebody is and we may not take over, or not from him."""
    try:
        before = handover.meet(name, asks_all=takes_over)
    except handover.HandoverError as error:
        raise NetworkError("start beside it", where, str(error)) from error
    if before and not takes_over:
        before.close()
        who = f"pid {before.pid}" if before.pid else "of another pid namespace"
        why = f"nodens {before.version} ({who}) serves it already\nhint: -takeover takes it over without a gap"
        raise NetworkError("start beside it", where, why)
    return before


def spell_steering(plan: SteeringPlan) -> str:
    """Spell what two agents must agree on, so that one can go on where the other stopped."""
    return repr(replace(plan, instance="", rung=replace(plan.rung, reason="")))


def bequeath(visit: Visit, standing: Standing, running: Running, keeper: Keeper, log: Log) -> bool:
    """Give all to the process after us; whether it has it. Until it says so, we go on as before."""
    ground = standing.ground
    try:
        word = "beside" if visit.line is None else _offer(visit.line, standing, running, log)
        if word == "beside":
            log.info(f"nodens {visit.version} lives beside us now; both serve until one is stopped")
        if word != "reads" or visit.line is None:
            return False
        ground.is_left = True
        keeper.stop()
        running.hand_over()
        with suppress(handover.HandoverError):
            visit.line.say({"left": True})
    except handover.HandoverError as error:
        log.warning(f"nothing was handed over to nodens {visit.version}: {error}; we go on")
        return False
    finally:
        if visit.line is not None:
            visit.line.close()
    log.info(f"handed over to nodens {visit.version}")
    return True


def _offer(line: Line, standing: Standing, running: Running, log: Log) -> str:
    """Send descriptors and the cache; gives what the other side makes of it. Raises HandoverError."""
    ground, door = standing.ground, standing.door.descriptor
    if door is None:
        line.say({"refuses": "another one holds the door"})
        return ""
    rows = running.sockets()
    read_end, write_end = os.pipe()
    tun = ground.link.tun if ground.link else None
    table = ground.steered.table.fileno() if ground.steered and ground.steered.table else None
    holds = [each for each in (table, tun) if each is not None]

    def send_cache() -> None:
        os.close(read_end)
        try:
            running.export_cache(write_end, _CACHE_MS)
        except EngineError as error:
            log.warning(f"the cache was not handed over whole: {error}")
        finally:
            os.close(write_end)

    try:
        return handover.give(
            line,
            {
                "steering": spell_steering(ground.plan),
                "instance": ground.plan.instance,
                "has_tun": tun is not None,
                "has_table": table is not None,
                "sockets": [row[:3] for row in rows],
            },
            [door, read_end, *holds, *(row[3] for row in rows)],
            send_cache,
        )
    finally:
        handover.close_all([row[3] for row in rows])
