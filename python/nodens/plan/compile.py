"""Config x Facts -> Plan, or Problems. Pure: the same two values give the same plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodens.plan import limits
from nodens.plan.blocks import block_plan
from nodens.plan.listeners import Listener, block_name, find_listeners, listener_plan, own_endpoints
from nodens.plan.model import BlockPlan, EnginePlan, Plan, ReloadPlan
from nodens.plan.network import network_plan
from nodens.plan.observe import observe_plan
from nodens.plan.origins import find_origins
from nodens.plan.ranges import find_breaches
from nodens.problems import Place

if TYPE_CHECKING:
    from nodens.config import Config
    from nodens.plan.facts import Facts
    from nodens.problems import Problems


def compile_plan(config: Config, facts: Facts, problems: Problems) -> Plan | None:
    """Decide everything; None if that cannot be done. Never raises, whatever the config."""
    listeners = find_listeners(config, facts, problems)
    plan = _settle(config, facts, listeners, problems)
    return None if problems.are_fatal else plan


def _settle(config: Config, facts: Facts, listeners: tuple[Listener, ...], problems: Problems) -> Plan:
    """Put the plan together, and go on behind problems, so that all are found."""
    served = sorted({index for listener in listeners for index in listener.servers})
    blocks = {server: block for block, server in enumerate(served)}
    engine = EnginePlan(
        workers=limits.choose_workers(facts),
        memory_limit_bytes=limits.choose_memory_bytes(facts),
        max_tcp_connections=limits.choose_tcp_connections(facts),
        max_tcp_connections_per_client=limits.choose_tcp_connections(facts) // limits.MAX_TCP_CLIENT_SHARE,
        max_queries_per_connection=limits.choose_queries_per_connection(config),
        listeners=tuple(listener_plan(listener, blocks, facts, listeners) for listener in listeners),
        blocks=_block_plans(config, facts, listeners, served, problems),
    )
    observe = observe_plan(config, listeners, problems)
    if not problems.are_fatal:
        _check(config, engine, problems)
    return Plan(
        engine=engine,
        network=network_plan(facts),
        observe=observe,
        reload=_reload_plan(config),
        origins=find_origins(config, facts, listeners, served),
    )


def _check(config: Config, engine: EnginePlan, problems: Problems) -> None:
    """Note what the engine would refuse, so that it never has to."""
    at = config.servers[0].at if config.servers else Place(file="Corefile")
    if not engine.listeners:
        problems.note(at, "no address is left to listen on; expected at least one")
    for breach in find_breaches(engine):
        problems.note(Place(file=at.file), breach)


def _block_plans(
    config: Config, facts: Facts, listeners: tuple[Listener, ...], served: list[int], problems: Problems
) -> tuple[BlockPlan, ...]:
    """Settle the blocks that somebody can ask, in file order, each with a name of its own."""
    ours = own_endpoints(listeners, facts)
    names: set[str] = set()
    plans = []
    for index in served:
        server = config.servers[index]
        name = block_name(server, facts)
        if name in names:  # the same keys on other addresses
            name += " on " + ",".join(str(each.address) for each in listeners if index in each.servers)
        names.add(name)
        plans.append(block_plan(name, server, facts, ours, problems))
    return tuple(plans)


def _reload_plan(config: Config) -> ReloadPlan | None:
    """Take the last `reload`; there is one timer."""
    rules = next((server.reload for server in reversed(config.servers) if server.reload), None)
    return ReloadPlan(interval_ms=rules.interval_ms, jitter_ms=rules.jitter_ms) if rules else None
