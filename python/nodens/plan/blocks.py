"""A server block's rules -> what the engine does for its zones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodens.plan.model import (
    BlockPlan,
    CachePlan,
    ConsolidatePlan,
    ErrorsPlan,
    ForwardPlan,
    HealthCheckPlan,
    LogClass,
    LogPlan,
    Policy,
    PrefetchPlan,
    StalePlan,
    StorePlan,
    Transport,
)
from nodens.plan.upstreams import upstream_plans

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from nodens.config import CacheRules, ForwardRules, Server, StoreRules
    from nodens.plan.facts import Facts
    from nodens.problems import Problems

UDP_SIZE_LIMIT = 1_232  # without `bufsize`: fits the smallest IPv6 packet (DNS flag day 2020)
CAPACITY_FLOOR = 1_024  # CoreDNS never keeps fewer
HEALTH_INTERVAL_FLOOR_MS = 100  # more probes than ten a second only add to an upstream's trouble

# The two formats of CoreDNS, as its `log` documents them.
COMMON_LOG = (
    '{remote}:{port} - {>id} "{type} {class} {name} {proto} {size} {>do} {>bufsize}" '
    "{rcode} {>rflags} {rsize} {duration}"
)
COMBINED_LOG = COMMON_LOG + ' "{>opcode}"'


def block_plan(
    name: str, server: Server, facts: Facts, ours: AbstractSet[tuple[str, int]], problems: Problems
) -> BlockPlan:
    """Settle one block."""
    zones = block_zones(server)
    cache = cache_plan(server.cache, zones) if server.cache else None
    forwards = tuple(forward_plan(rules, facts, ours, problems) for rules in server.forwards)
    return BlockPlan(
        name=name,
        zones_label=",".join(cache.zones if cache else zones),
        has_metrics=server.prometheus is not None,
        has_handler=bool(handlers(server)),
        udp_size_limit=UDP_SIZE_LIMIT if server.udp_size_limit is None else server.udp_size_limit,
        cache=cache,
        forwards=forwards,
        log=log_plans(server),
        errors=errors_plan(server),
        loop_zone=zones[0] if server.has_loop and zones else None,
    )


def block_zones(server: Server) -> tuple[str, ...]:
    """Give a block's zones, each once (a zone on two ports is one zone)."""
    return tuple(dict.fromkeys(key.zone for key in server.keys))


def handlers(server: Server) -> tuple[str, ...]:
    """Name the directives of a block that take part in a query, in the order of the alphabet."""
    present = {
        "bufsize": server.udp_size_limit is not None,
        "cache": server.cache is not None,
        "errors": server.errors is not None,
        "forward": bool(server.forwards),
        "log": bool(server.log),
        "loop": server.has_loop,
        "prometheus": server.prometheus is not None,
    }
    return tuple(name for name, is_present in present.items() if is_present)


def cache_plan(rules: CacheRules, block_zones: tuple[str, ...]) -> CachePlan:
    """Settle a cache."""
    prefetch, stale = rules.prefetch, rules.stale
    return CachePlan(
        zones=block_zones if rules.zones is None else rules.zones,
        success=_store_plan(rules.success),
        denial=_store_plan(rules.denial),
        prefetch=PrefetchPlan(amount=prefetch.amount, window_ms=prefetch.window_ms, percent=prefetch.percent)
        if prefetch.amount
        else None,
        stale=StalePlan(
            window_s=stale.window_s,
            is_verify=stale.is_verify,
            verify_timeout_ms=stale.verify_timeout_ms,
            response_ttl_s=stale.response_ttl_s,
            recheck_ms=stale.recheck_ms,
            prefers_positive=rules.prefers_positive,
        )
        if stale and stale.window_s
        else None,
        servfail_ms=rules.servfail_ms,
        success_disabled_zones=rules.success_disabled_zones,
        denial_disabled_zones=rules.denial_disabled_zones,
        keeps_ttl=rules.keeps_ttl,
    )


def _store_plan(rules: StoreRules) -> StorePlan:
    """Settle one side; where the limits cross, the longest lifetime wins, as in CoreDNS."""
    return StorePlan(
        capacity=max(rules.capacity, CAPACITY_FLOOR),
        ttl_max_s=rules.ttl_max_s,
        ttl_min_s=min(rules.ttl_min_s, rules.ttl_max_s),
    )


def forward_plan(
    rules: ForwardRules, facts: Facts, ours: AbstractSet[tuple[str, int]], problems: Problems
) -> ForwardPlan:
    """Settle a forward."""
    if rules.health_interval_ms < HEALTH_INTERVAL_FLOOR_MS:
        problems.warn(rules.at, f"`health_check` is faster than {HEALTH_INTERVAL_FLOOR_MS}ms; taken as that")
    over_udp = Transport.UDP if rules.prefers_udp else Transport.CLIENT
    return ForwardPlan(
        zone=rules.zone,
        except_zones=rules.except_zones,
        upstreams=upstream_plans(rules, facts, ours, problems),
        transport=Transport.TCP if rules.forces_tcp else over_udp,
        policy=Policy(rules.policy),
        expire_ms=rules.expire_ms,
        max_fails=rules.max_fails,
        max_connect_attempts=rules.max_connect_attempts,
        max_concurrent=rules.max_concurrent,
        health_check=HealthCheckPlan(
            interval_ms=max(rules.health_interval_ms, HEALTH_INTERVAL_FLOOR_MS),
            domain=rules.health_domain,
            is_recursion_desired=rules.is_health_recursive,
        ),
        next_rcodes=rules.next_rcodes,
        is_next_on_nodata=rules.is_next_on_nodata,
        failover_rcodes=rules.failover_rcodes,
        is_failfast=rules.is_failfast,
        read_timeout_ms=rules.read_timeout_ms,
        max_age_ms=rules.max_age_ms,
        max_idle_connections=rules.max_idle_connections,
        source_address=rules.source_address,
    )


def log_plans(server: Server) -> tuple[LogPlan, ...]:
    """Give a rule for each name of each `log`, in file order: the first that holds the qname decides."""
    return tuple(
        LogPlan(zone=zone, format=expand_format(rule.format), classes=tuple(LogClass(name) for name in rule.classes))
        for rule in server.log
        for zone in rule.zones
    )


def expand_format(text: str) -> str:
    """Put the two named formats in their places."""
    return text.replace("{combined}", COMBINED_LOG).replace("{common}", COMMON_LOG)


def errors_plan(server: Server) -> ErrorsPlan | None:
    """Settle `errors`."""
    if server.errors is None:
        return None
    return ErrorsPlan(
        consolidate=tuple(
            ConsolidatePlan(
                pattern=rule.pattern, period_ms=rule.period_ms, level=rule.level, shows_first=rule.shows_first
            )
            for rule in server.errors.consolidate
        )
    )
