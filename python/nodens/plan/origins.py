"""Where each value of a plan came from: a line of the Corefile, a flag, the node, or a default of ours.

`compile_plan` keeps a few origins by path; `explain` spreads them over all values, the longest path that fits first.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from nodens.plan.limits import MAX_TCP_CONNECTIONS, choose_tcp_connections
from nodens.plan.model import NetworkPlan, Origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nodens.config import Config, ForwardRules, Server
    from nodens.plan.facts import Facts
    from nodens.plan.listeners import Listener
    from nodens.plan.model import Plan
    from nodens.problems import Place

DEFAULT = "default"
DEFAULT_TTLS = (3_600, 1_800)

# Directive or option -> the fields of a block that it sets.
BLOCK_FIELDS: dict[str, tuple[str, ...]] = {
    "cache": ("cache", "zones_label"),
    "cache.success": ("cache.success",),
    "cache.denial": ("cache.denial",),
    "cache.prefetch": ("cache.prefetch",),
    "cache.serve_stale": ("cache.stale",),
    "cache.serve_stale_policy": ("cache.stale.prefers_positive",),
    "cache.servfail": ("cache.servfail_ms",),
    "cache.disable": ("cache.success_disabled_zones", "cache.denial_disabled_zones"),
    "cache.keepttl": ("cache.keeps_ttl",),
    "errors": ("errors",),
    "log": ("log",),
    "loop": ("loop_zone",),
    "bufsize": ("udp_size_limit",),
    "prometheus": ("has_metrics",),
}
FORWARD_FIELDS: dict[str, tuple[str, ...]] = {
    "except": ("except_zones",),
    "force_tcp": ("transport",),
    "prefer_udp": ("transport",),
    "policy": ("policy",),
    "expire": ("expire_ms",),
    "max_fails": ("max_fails",),
    "max_connect_attempts": ("max_connect_attempts",),
    "max_concurrent": ("max_concurrent",),
    "health_check": ("health_check",),
    "next": ("next_rcodes",),
    "next_on_nodata": ("is_next_on_nodata",),
    "failover": ("failover_rcodes",),
    "failfast_all_unhealthy_upstreams": ("is_failfast",),
    "read_timeout": ("read_timeout_ms",),
    "max_age": ("max_age_ms",),
    "max_idle_conns": ("max_idle_connections",),
    "source_address": ("source_address",),
}


def find_origins(
    config: Config, facts: Facts, listeners: tuple[Listener, ...], served: list[int]
) -> tuple[Origin, ...]:
    """Name the origins that are not simply defaults. `served` are the servers behind `engine.blocks`, in order."""
    found = dict(_of_limits(config, facts))
    for number, listener in enumerate(listeners):
        found |= _of_listener(f"engine.listeners[{number}]", listener, config, facts)
    for number, index in enumerate(served):
        server = config.servers[index]
        found |= _of_block(f"engine.blocks[{number}]", server)
    for directive in ("prometheus", "health", "ready", "debug", "reload"):
        path = {"prometheus": "metrics", "debug": "is_debug"}.get(directive, directive)
        places = [dict(server.places).get(directive) for server in config.servers]
        if any(places):
            source = ", ".join(str(place) for place in places if place)
            found["reload" if directive == "reload" else f"observe.{path}"] = source
    return tuple(Origin(path=path, source=source) for path, source in found.items())


def _of_limits(config: Config, facts: Facts) -> Iterator[tuple[str, str]]:
    """Name where the node-wide numbers came from."""
    node = f"node: {facts.cores} {'core' if facts.cores == 1 else 'cores'}"
    yield "engine.workers", facts.source_of.get("workers_wish", "flag") if facts.workers_wish is not None else node
    if facts.memory_budget_wish_bytes is not None:
        yield "engine.memory_limit_bytes", facts.source_of.get("memory_budget_wish_bytes", "flag")
    elif facts.memory_limit_bytes is not None:
        yield "engine.memory_limit_bytes", f"node: cgroup limit of {facts.memory_limit_bytes} bytes"
    if choose_tcp_connections(facts) < MAX_TCP_CONNECTIONS:
        for name in ("max_tcp_connections", "max_tcp_connections_per_client"):
            yield f"engine.{name}", f"node: limit of {facts.file_limit} open files"
    for field in fields(NetworkPlan):
        if source := facts.source_of.get(field.name):
            yield f"network.{field.name}", source
    if source := facts.source_of.get("default_port"):
        yield "network.port", source
    places = [dict(server.places).get("timeouts.maxtcpqueries") for server in config.servers]
    if any(places):
        yield "engine.max_queries_per_connection", ", ".join(str(place) for place in places if place)


def _of_listener(path: str, listener: Listener, config: Config, facts: Facts) -> Iterator[tuple[str, str]]:
    """Name where a listener's address, port and timeouts came from."""
    servers = [config.servers[index] for index in listener.servers]
    yield path, str(dict(servers[0].places).get("bind", DEFAULT))
    is_written = any(key.port == listener.port for key in servers[0].keys)
    yield f"{path}.port", str(servers[0].at) if is_written else facts.source_of.get("default_port", DEFAULT)
    for number, (_, index) in enumerate(listener.zones):
        yield f"{path}.zones[{number}]", str(config.servers[index].at)
    timeouts = [dict(server.places)["timeouts"] for server in servers if "timeouts" in dict(server.places)]
    for field in ("read", "idle", "write"):
        yield f"{path}.tcp_{field}_timeout_ms", str(timeouts[-1]) if timeouts else DEFAULT


def _of_block(path: str, server: Server) -> Iterator[tuple[str, str]]:
    """Name where the fields of a block came from; an absent option is a default under a directive that is there."""
    places = dict(server.places)
    for name in ("name", "zones_label", "has_handler"):
        yield f"{path}.{name}", str(server.at)
    for name, targets in BLOCK_FIELDS.items():
        directive, _, option = name.partition(".")
        if directive in places:
            yield from ((f"{path}.{field}", str(places.get(name, DEFAULT))) for field in targets)
        elif not option:
            yield from ((f"{path}.{field}", DEFAULT) for field in targets if field != "zones_label")
    yield from _of_cache_line(f"{path}.cache", server, places)
    for number, rules in enumerate(server.forwards):
        yield from _of_forward(f"{path}.forwards[{number}]", rules, places, is_only=len(server.forwards) == 1)


def _of_cache_line(path: str, server: Server, places: dict[str, Place]) -> Iterator[tuple[str, str]]:
    """Name the TTL limits that the first line of `cache` sets, where no option does."""
    is_set = server.cache and {server.cache.success.ttl_max_s, server.cache.denial.ttl_max_s} != {*DEFAULT_TTLS}
    for side in ("success", "denial") if is_set else ():
        if f"cache.{side}" not in places and "cache" in places:
            yield f"{path}.{side}.ttl_max_s", str(places["cache"])


def _of_forward(
    path: str, rules: ForwardRules, places: dict[str, Place], *, is_only: bool
) -> Iterator[tuple[str, str]]:
    """Name where the fields of a forward came from; of several in a block only the line of each is known."""
    yield path, str(rules.at)
    if files := [word for word in rules.upstreams if word.path]:
        yield f"{path}.upstreams", ", ".join(f"{word.path}, named at {word.at}" for word in files)
    for option, targets in FORWARD_FIELDS.items():
        place = places.get(f"forward.{option}")
        source = str(place if is_only else rules.at) if place else DEFAULT
        if option != "prefer_udp" or place:
            yield from ((f"{path}.{field}", source) for field in targets)


def explain(plan: Plan) -> Iterator[tuple[str, object, str]]:
    """Give every value of a plan with its path and its origin, in the plan's own order."""
    origins = {origin.path: origin.source for origin in plan.origins}
    for part in ("engine", "network", "observe", "reload"):
        for path, value in _leaves(part, getattr(plan, part)):
            yield path, value, _origin(path, origins)


def _leaves(path: str, node: Any) -> Iterator[tuple[str, object]]:  # noqa: ANN401 - any value of the plan
    """Go down to values; a tuple of plain values is one value."""
    if isinstance(node, tuple) and any(is_dataclass(part) for part in node):
        for number, part in enumerate(node):
            yield from _leaves(f"{path}[{number}]", part)
    elif is_dataclass(node):
        for field in fields(node):
            yield from _leaves(f"{path}.{field.name}", getattr(node, field.name))
    else:
        yield path, node


def _origin(path: str, origins: dict[str, str]) -> str:
    """Give the origin of the longest path that `path` is or lies under."""
    while path:
        if path in origins:
            return origins[path]
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return DEFAULT
