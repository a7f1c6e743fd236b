"""The plan: what this node decided. Every field is settled and nothing is looked up later.

Two fields may still say "auto", those of `NetworkPlan` that only a trial in the kernel settles (`network.choose`).
size: one value, read from top to bottom, as the crates read it.

`EnginePlan` crosses to Rust as it stands: `crates/py/src/plan.rs` reads attributes of the same names, so a field added
here is added there and in `crates/core/src/plan.rs` (tests/boundary holds the three together). Zones are fully
qualified, lower case, with the final dot, in presentation format; the root is `.`. Durations carry their unit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

# ------------ What the engine runs ------------


class Transport(StrEnum):
    """How a forward speaks to its upstreams."""

    CLIENT = "client"  # as the client spoke to us (CoreDNS' default)
    UDP = "udp"  # prefer_udp: UDP first, TCP after TC
    TCP = "tcp"  # force_tcp


class Policy(StrEnum):
    """Which upstream is asked first."""

    RANDOM = "random"
    ROUND_ROBIN = "round_robin"
    SEQUENTIAL = "sequential"


class LogClass(StrEnum):
    """Which responses a `log` rule prints."""

    ALL = "all"
    SUCCESS = "success"
    DENIAL = "denial"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class StorePlan:
    """One side of a cache. `capacity` in entries; lifetimes are clamped to `ttl_min_s`..`ttl_max_s`."""

    capacity: int
    ttl_max_s: int
    ttl_min_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefetchPlan:
    """Refresh what was asked for `amount` times without a pause of `window_ms`, in the last `percent` of its life."""

    amount: int
    window_ms: int
    percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StalePlan:
    """serve_stale: for how long, and whether upstream is asked first.

    That is `is_verify`, for at most `verify_timeout_ms` (0: no limit of its own). `recheck_ms`: after a failed
    refresh the stale answer is given for so long without asking again.
    """

    window_s: int
    is_verify: bool
    verify_timeout_ms: int
    response_ttl_s: int
    recheck_ms: int
    prefers_positive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePlan:
    """A `cache` directive. Queries outside `zones` pass uncached; `servfail_ms` 0 means failures are not kept."""

    zones: tuple[str, ...]
    success: StorePlan
    denial: StorePlan
    prefetch: PrefetchPlan | None
    stale: StalePlan | None
    servfail_ms: int
    success_disabled_zones: tuple[str, ...]
    denial_disabled_zones: tuple[str, ...]
    keeps_ttl: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamPlan:
    """A server we ask. `address` is an IP without zone, `scope_id` the interface of a link-local one (else 0).

    `label` is `ip:port` as metrics print it.
    """

    address: str
    scope_id: int
    port: int
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheckPlan:
    """Probes of an upstream after a failed exchange: `NS domain` every `interval_ms`."""

    interval_ms: int
    domain: str
    is_recursion_desired: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardPlan:
    """A `forward` directive. `zone` is FROM; names under `except_zones` go to the next forward.

    0 means "no limit" for `max_concurrent`, `max_connect_attempts`, `max_age_ms`, `max_idle_connections`, and "never
    down" for `max_fails`. Rcodes are numbers. `source_address` is an IP, or empty for the kernel's choice.
    """

    zone: str
    except_zones: tuple[str, ...]
    upstreams: tuple[UpstreamPlan, ...]
    transport: Transport
    policy: Policy
    expire_ms: int
    max_fails: int
    max_connect_attempts: int
    max_concurrent: int
    health_check: HealthCheckPlan
    next_rcodes: tuple[int, ...]
    is_next_on_nodata: bool
    failover_rcodes: tuple[int, ...]
    is_failfast: bool
    read_timeout_ms: int
    max_age_ms: int
    max_idle_connections: int
    source_address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPlan:
    """A `log` rule: names under `zone` with a response of one of `classes` are printed with `format`, all expanded."""

    zone: str
    format: str
    classes: tuple[LogClass, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolidatePlan:
    """`errors { consolidate }`: count errors that match `pattern`, print one line each `period_ms` at `level`."""

    pattern: str
    period_ms: int
    level: str
    shows_first: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorsPlan:
    """An `errors` directive."""

    consolidate: tuple[ConsolidatePlan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockPlan:
    """What serves the zones of one server block.

    `name` is its identity over reloads (its keys, joined): cache, pools and beliefs live on under it.
    `zones_label` is the `zones` label of the cache metrics. `udp_size_limit` is the largest UDP response and what we
    advertise upstream (`bufsize`, else 1232). `loop_zone` is None without `loop`. `has_handler` is False where no
    directive could answer: REFUSED.
    """

    name: str
    zones_label: str
    has_metrics: bool
    has_handler: bool
    udp_size_limit: int
    cache: CachePlan | None
    forwards: tuple[ForwardPlan, ...]
    log: tuple[LogPlan, ...]
    errors: ErrorsPlan | None
    loop_zone: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ZonePlan:
    """A zone served on a listener, and the block (index into `EnginePlan.blocks`) that serves it."""

    name: str
    block: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerPlan:
    """An address and port to serve on, UDP and TCP. `label` is the `server` label, such as `dns://10.96.0.10:53`.

    `address` is an IP without zone; `::` with `is_dual_stack` stands for all addresses of both families.
    """

    address: str
    scope_id: int
    port: int
    is_dual_stack: bool
    is_freebind: bool
    label: str
    zones: tuple[ZonePlan, ...]
    tcp_read_timeout_ms: int
    tcp_idle_timeout_ms: int
    tcp_write_timeout_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginePlan:
    """All that Rust needs to answer. `memory_limit_bytes` bounds cache and queries in flight together."""

    workers: int
    memory_limit_bytes: int
    max_tcp_connections: int
    max_tcp_connections_per_client: int
    max_queries_per_connection: int
    listeners: tuple[ListenerPlan, ...]
    blocks: tuple[BlockPlan, ...]


# ------------ What others see ------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginEnabled:
    """One row of `coredns_plugin_enabled`."""

    name: str
    server: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpEndpoint:
    """Where a side service listens. `host` may be empty (all addresses)."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservePlan:
    """Side services: metrics, health and ready endpoints (each list without duplicates), lameduck, enabled plugins."""

    metrics: tuple[HttpEndpoint, ...]
    health: tuple[HttpEndpoint, ...]
    ready: tuple[HttpEndpoint, ...]
    lameduck_ms: int
    plugins: tuple[PluginEnabled, ...]
    is_debug: bool


# ------------ What the kernel does ------------


class SteeringWish(StrEnum):
    """In which language the rules shall be given to the kernel."""

    AUTO = "auto"
    IPTABLES = "iptables"
    NFT = "nft"


class LinkWish(StrEnum):
    """What kind of link shall carry the addresses."""

    AUTO = "auto"
    DUMMY = "dummy"
    TUN = "tun"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPlan:
    """What is to be held on this node, and pointed at us. Which rung of the ladder that takes, the kernel's trial says.

    `own_addresses` are nobody else's, `borrowed_addresses` the cluster DNS service's. `sets_link` and `sets_rules`:
    whether link and rules are ours to make; without addresses neither is. `is_left`: both stay when we leave.
    `health_port` is left untracked. Every `sync_interval_ms` everything is compared, as a belt to the kernel's events.
    """

    own_addresses: tuple[str, ...]
    borrowed_addresses: tuple[str, ...]
    link_name: str = "nodelocaldns"
    link: LinkWish = LinkWish.AUTO
    steering: SteeringWish = SteeringWish.AUTO
    sets_link: bool = False
    sets_rules: bool = False
    is_left: bool = False
    port: int = 53
    health_port: int = 8080
    sync_interval_ms: int = 60_000

    @property
    def is_idle(self) -> bool:
        """Whether nothing on the node is ours to change."""
        return not (self.sets_link or self.sets_rules)


# ------------ When to look again ------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadPlan:
    """How often the Corefile's bytes are compared, as a belt to inotify's braces."""

    interval_ms: int
    jitter_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where the value at `path` (`engine.blocks[0].cache.success`), and all below it, came from."""

    path: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What this node decided. It is the same plan when its lines have moved: `origins` are left out of comparisons."""

    engine: EnginePlan
    network: NetworkPlan
    observe: ObservePlan
    reload: ReloadPlan | None
    origins: tuple[Origin, ...] = field(default=(), compare=False, repr=False)
