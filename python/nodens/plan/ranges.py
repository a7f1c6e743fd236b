"""What each number of an `EnginePlan` may be. The engine checks the same on arrival, and calls a breach our bug.

Beyond the numbers: zones are fully qualified, lower case, presentation format; a `ZonePlan.block` is an index into
`blocks`; block names, listener addresses with ports, and zones of a listener are unique; `ttl_min_s` is at most
`ttl_max_s`; a forward may have no upstreams (it answers SERVFAIL).
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from nodens.config import CAPACITY_LIMIT, COUNT_LIMIT, DURATION_LIMIT_MS, PORT_LIMIT, TTL_LIMIT_S, parse_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nodens.plan.model import EnginePlan

U32 = 2**32 - 1
DAY_MS = 86_400_000
TTL = (0, TTL_LIMIT_S)
DURATION = (0, DURATION_LIMIT_MS)
COUNT = (0, COUNT_LIMIT)

RANGES: dict[tuple[str, str], tuple[int, int]] = {
    ("EnginePlan", "workers"): (1, 64),
    ("EnginePlan", "memory_limit_bytes"): (4 * 2**20, 2**40),
    ("EnginePlan", "max_tcp_connections"): (1, 1_000_000),
    ("EnginePlan", "max_tcp_connections_per_client"): (1, 1_000_000),
    ("EnginePlan", "max_queries_per_connection"): COUNT,
    ("ListenerPlan", "scope_id"): (0, U32),
    ("ListenerPlan", "port"): (1, PORT_LIMIT),
    ("ListenerPlan", "tcp_read_timeout_ms"): (1, DAY_MS),
    ("ListenerPlan", "tcp_idle_timeout_ms"): (1, DAY_MS),
    ("ListenerPlan", "tcp_write_timeout_ms"): (1, DAY_MS),
    ("BlockPlan", "udp_size_limit"): (512, 4_096),
    ("StorePlan", "capacity"): (1, CAPACITY_LIMIT),
    ("StorePlan", "ttl_max_s"): (1, TTL_LIMIT_S),
    ("StorePlan", "ttl_min_s"): TTL,
    ("PrefetchPlan", "amount"): (1, COUNT_LIMIT),
    ("PrefetchPlan", "window_ms"): DURATION,
    ("PrefetchPlan", "percent"): (10, 90),
    ("StalePlan", "window_s"): (1, U32),
    ("StalePlan", "verify_timeout_ms"): DURATION,
    ("StalePlan", "response_ttl_s"): TTL,
    ("StalePlan", "recheck_ms"): (0, 300_000),
    ("CachePlan", "servfail_ms"): (0, 300_000),
    ("UpstreamPlan", "scope_id"): (0, U32),
    ("UpstreamPlan", "port"): (1, PORT_LIMIT),
    ("HealthCheckPlan", "interval_ms"): (1, DURATION_LIMIT_MS),
    ("ForwardPlan", "expire_ms"): DURATION,
    ("ForwardPlan", "max_fails"): COUNT,
    ("ForwardPlan", "max_connect_attempts"): COUNT,
    ("ForwardPlan", "max_concurrent"): COUNT,
    ("ForwardPlan", "read_timeout_ms"): (1, DURATION_LIMIT_MS),
    ("ForwardPlan", "max_age_ms"): DURATION,
    ("ForwardPlan", "max_idle_connections"): COUNT,
    ("ForwardPlan", "next_rcodes"): (0, 4_095),
    ("ForwardPlan", "failover_rcodes"): (0, 4_095),
    ("ConsolidatePlan", "period_ms"): (1, DURATION_LIMIT_MS),
}
ZONES = {
    ("ZonePlan", "name"),
    ("CachePlan", "zones"),
    ("CachePlan", "success_disabled_zones"),
    ("CachePlan", "denial_disabled_zones"),
    ("HealthCheckPlan", "domain"),
    ("ForwardPlan", "zone"),
    ("ForwardPlan", "except_zones"),
    ("LogPlan", "zone"),
    ("BlockPlan", "loop_zone"),
}
ADDRESSES = {("ListenerPlan", "address"), ("UpstreamPlan", "address"), ("ForwardPlan", "source_address")}


def find_breaches(plan: EnginePlan) -> Iterator[str]:
    """Say which fields are out of range, each with its path."""
    yield from _walk("engine", plan)
    yield from _repeated("block name", (block.name for block in plan.blocks))
    yield from _repeated("listener", (f"{each.address}%{each.scope_id} {each.port}" for each in plan.listeners))
    for listener in plan.listeners:
        yield from _repeated(f"zone of {listener.label}", (zone.name for zone in listener.zones))
        for zone in listener.zones:
            if not 0 <= zone.block < len(plan.blocks):
                yield f"zone `{zone.name}` has no block: {zone.block}"
    for block in plan.blocks:
        for store in (block.cache.success, block.cache.denial) if block.cache else ():
            if store.ttl_min_s > store.ttl_max_s:
                yield f"ttl_min_s of `{block.name}` is over ttl_max_s: {store.ttl_min_s}"


def _repeated(what: str, names: Iterator[str]) -> Iterator[str]:
    """Say which names stand twice."""
    return (f"{what} stands {count} times: {name}" for name, count in Counter(names).items() if count > 1)


def _walk(path: str, node: Any) -> Iterator[str]:  # noqa: ANN401 - any dataclass of the plan
    """Go down a dataclass tree and check each leaf that has a rule."""
    for field in fields(node):
        rule = (type(node).__name__, field.name)
        value = getattr(node, field.name)
        for index, leaf in enumerate(value if isinstance(value, tuple) else (value,)):
            place = f"{path}.{field.name}[{index}]" if isinstance(value, tuple) else f"{path}.{field.name}"
            if is_dataclass(leaf):
                yield from _walk(place, leaf)
            elif fault := _fault(rule, leaf):
                yield f"{place} is {leaf!r}; expected {fault}"


def _fault(rule: tuple[str, str], leaf: object) -> str | None:
    """Say what was expected of a leaf instead, or None."""
    if rule in RANGES:
        least, most = RANGES[rule]
        return None if isinstance(leaf, int) and least <= leaf <= most else f"{least} to {most}"
    if rule in ZONES:
        return None if leaf is None or _is_zone(str(leaf)) else "a canonical zone"
    if rule in ADDRESSES:
        return None if leaf == "" or _is_ip(str(leaf)) else "an IP address"
    return None


def _is_zone(text: str) -> bool:
    """Whether a name is written as plans write names."""
    try:
        return parse_name(text) == text
    except ValueError:
        return False


def _is_ip(text: str) -> bool:
    """Whether a text is an IP without zone."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text
