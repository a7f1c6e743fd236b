"""Zones, ports and addresses -> listeners: who hears what, and which block answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nodens.config import TimeoutRules
from nodens.plan.addresses import ANY_IPV4, ANY_IPV6, Address, bound_addresses, host_port
from nodens.plan.model import ListenerPlan, ZonePlan

if TYPE_CHECKING:
    from nodens.config import Config, Server, ZoneKey
    from nodens.plan.facts import Facts
    from nodens.problems import Problems

LOOPBACKS = ("127.0.0.1", "::1")


@dataclass(slots=True, kw_only=True)
class Listener:
    """A listener while it is put together. `servers` are indices into the config, in file order, each once."""

    address: Address
    port: int
    is_bound: bool
    zones: list[tuple[str, int]] = field(default_factory=list)
    timeouts: TimeoutRules = field(default_factory=TimeoutRules)

    @property
    def label(self) -> str:
        """The `server` label of metrics: `dns://10.96.0.10:53`, unbound `dns://:53`."""
        return f"dns://{host_port(str(self.address) if self.is_bound else '', self.port)}"

    @property
    def servers(self) -> tuple[int, ...]:
        """Indices of the servers that answer here, in file order, each once."""
        return tuple(dict.fromkeys(server for _, server in self.zones))


def find_listeners(config: Config, facts: Facts, problems: Problems) -> tuple[Listener, ...]:
    """Give each address and port once, with its zones in file order; note zones that are served twice."""
    found: dict[tuple[Address, int], Listener] = {}
    taken: dict[tuple[str, Address, int], ZoneKey] = {}
    everywhere: dict[tuple[str, int], ZoneKey] = {}
    somewhere: dict[tuple[str, int], ZoneKey] = {}
    for index, server in enumerate(config.servers):
        is_bound = server.bind is not None
        for address in bound_addresses(server, facts, problems):
            for key in server.keys:
                port = facts.default_port if key.port is None else key.port
                earlier = taken.setdefault((key.zone, address, port), key)
                if earlier is not key:
                    where = f" on {address}" if is_bound else ""
                    problems.note(key.at, f"`{key.zone}` is served already at port {port}{where}, by {earlier.at}")
                    continue
                (somewhere if is_bound else everywhere).setdefault((key.zone, port), key)
                listener = found.setdefault((address, port), Listener(address=address, port=port, is_bound=is_bound))
                listener.zones.append((key.zone, index))
                listener.timeouts = server.timeouts or listener.timeouts
    for (zone, port), key in somewhere.items():
        if other := everywhere.get((zone, port)):
            what = f"`{zone}` at port {port} is served on some addresses here, and on all by {other.at}"
            problems.note(key.at, f"{what}; expected `bind` in both blocks or in neither")
    return tuple(found.values())


def listener_plan(
    listener: Listener, blocks: dict[int, int], facts: Facts, others: tuple[Listener, ...]
) -> ListenerPlan:
    """Settle a listener; `blocks` gives the index of a server's block."""
    has_ipv4_twin = any(other.address.ip == ANY_IPV4 and other.port == listener.port for other in others)
    return ListenerPlan(
        address=listener.address.ip,
        scope_id=listener.address.scope_id,
        port=listener.port,
        is_dual_stack=listener.address.ip == ANY_IPV6 and facts.has_ipv4 and not has_ipv4_twin,
        is_freebind=_is_freebind(listener.address, facts),
        label=listener.label,
        zones=tuple(ZonePlan(name=zone, block=blocks[server]) for zone, server in listener.zones),
        tcp_read_timeout_ms=listener.timeouts.read_ms,
        tcp_idle_timeout_ms=listener.timeouts.idle_ms,
        tcp_write_timeout_ms=listener.timeouts.write_ms,
    )


def _is_freebind(address: Address, facts: Facts) -> bool:
    """Whether an address may be bound before it exists: those that we put on the node ourselves."""
    held = (*facts.own_addresses, *facts.borrowed_addresses)
    return facts.wishes_freebind and not address.is_any and (not held or address.ip in held)


def own_endpoints(listeners: tuple[Listener, ...], facts: Facts) -> frozenset[tuple[str, int]]:
    """Give addresses and ports where a query would come back to us."""
    here = [*LOOPBACKS, *(address for interface in facts.interfaces for address in interface.addresses)]
    ours = set()
    for listener in listeners:
        for address in here if listener.address.is_any else [listener.address.ip]:
            ours.add((address, listener.port))
    return frozenset(ours)


def block_name(server: Server, facts: Facts) -> str:
    """Give a block's identity over reloads: its keys, with their ports."""
    ports = (facts.default_port if key.port is None else key.port for key in server.keys)
    return ",".join(f"{key.zone}:{port}" for key, port in zip(server.keys, ports, strict=True))
