"""Side services: who may be asked for metrics, health and readiness, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodens.plan.blocks import block_zones, handlers
from nodens.plan.model import HttpEndpoint, ObservePlan, PluginEnabled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nodens.config import Config, Endpoint, Server
    from nodens.plan.listeners import Listener
    from nodens.problems import Place, Problems


def observe_plan(config: Config, listeners: tuple[Listener, ...], problems: Problems) -> ObservePlan:
    """Settle what others see."""
    servers = config.servers
    _check_shared_ports(servers, problems)
    return ObservePlan(
        metrics=endpoints(server.prometheus for server in servers if server.prometheus),
        health=endpoints(server.health.endpoint for server in servers if server.health),
        ready=endpoints(server.ready.endpoint for server in servers if server.ready),
        lameduck_ms=max((server.health.lameduck_ms for server in servers if server.health), default=0),
        plugins=tuple(
            PluginEnabled(name=name, server=listener.label, zone=block_zones(servers[index])[0])
            for listener in listeners
            for index in listener.servers
            if servers[index].prometheus
            for name in handlers(servers[index])
        ),
        is_debug=any(server.is_debug for server in servers),
    )


def endpoints(found: Iterable[Endpoint]) -> tuple[HttpEndpoint, ...]:
    """Give each endpoint once; one for all addresses takes in those for one address of the same port."""
    wanted = list(dict.fromkeys((endpoint.host, endpoint.port) for endpoint in found))
    return tuple(HttpEndpoint(host=host, port=port) for host, port in wanted if not host or ("", port) not in wanted)


def _check_shared_ports(servers: tuple[Server, ...], problems: Problems) -> None:
    """Note an endpoint that two kinds of service ask for: only one of them could have it."""
    taken: dict[tuple[str, int], tuple[str, Place]] = {}
    for server in servers:
        places = dict(server.places)
        asked = {
            "prometheus": server.prometheus,
            "health": server.health and server.health.endpoint,
            "ready": server.ready and server.ready.endpoint,
        }
        for name, endpoint in asked.items():
            if not endpoint:
                continue
            at = places.get(name, server.at)
            earlier, where = taken.setdefault((endpoint.host, endpoint.port), (name, at))
            if earlier != name:
                host_port = f"{endpoint.host}:{endpoint.port}"
                problems.note(at, f"`{host_port}` is taken by `{earlier}` already, at {where}; expected another port")
