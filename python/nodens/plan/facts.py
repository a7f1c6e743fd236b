"""What is true of this node, as `network.survey` found it, and what its flags ask for. No I/O here.

`compile_plan` gets all it may depend on through this one value, so that a plan can be made again, and tested, from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nodens.plan.model import LinkWish, SteeringWish

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """A network interface: its name, its number, and its addresses (IPs in canonical text, without prefix or zone)."""

    name: str
    index: int
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Nameserver:
    """An IP that a resolv.conf names; `zone_id` is the interface name or number after its `%`, or empty."""

    address: str
    zone_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeWishes:
    """What the flags ask of the node itself: its link and its rules. Nothing, unless a flag says so."""

    link_name: str = "nodelocaldns"
    link: LinkWish = LinkWish.AUTO
    steering: SteeringWish = SteeringWish.AUTO
    sets_link: bool = False
    sets_rules: bool = False
    is_left: bool = False
    health_port: int = 8080
    sync_interval_ms: int = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything about this node that a plan may depend on.

    Found on the node: `cores` this process may use (affinity and cgroup quota, at least 1); `memory_limit_bytes`, the
    cgroup's hard limit (None: no limit); `file_limit`, the hard limit on open files (None: no limit); `resolv_conf`,
    the files that `plan.resolv_conf_paths(config)` names (None: cannot be read).

    Wished on the command line (None or empty: not given): `own_addresses` and `borrowed_addresses` from `-localip`
    (canonical IPs); `default_port` from `-dns.port`; `workers_wish` and `memory_budget_wish_bytes` from flags of ours;
    `node` for link and rules; `wishes_freebind` when own and borrowed addresses (any, if none is named) are to be bound
    before they exist.
    `source_of` says where a field came from (`default_port` -> `flag -dns.port`) where it is not this node, for
    `nodens show plan`.
    """

    interfaces: tuple[Interface, ...] = ()
    has_ipv4: bool = True
    has_ipv6: bool = True
    cores: int = 1
    memory_limit_bytes: int | None = None
    file_limit: int | None = None
    resolv_conf: Mapping[str, tuple[Nameserver, ...] | None] = field(default_factory=dict)
    own_addresses: tuple[str, ...] = ()
    borrowed_addresses: tuple[str, ...] = ()
    default_port: int = 53
    workers_wish: int | None = None
    memory_budget_wish_bytes: int | None = None
    wishes_freebind: bool = False
    node: NodeWishes = field(default_factory=NodeWishes)
    source_of: Mapping[str, str] = field(default_factory=dict)
