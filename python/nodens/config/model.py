"""What a Corefile means, before any node is known. Durations are in milliseconds unless the name says otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from nodens.problems import Place


class Scheme(StrEnum):
    """How a zone is served. Only plain DNS is served yet."""

    DNS = "dns"
    TLS = "tls"
    QUIC = "quic"
    GRPC = "grpc"
    HTTPS = "https"
    HTTPS3 = "https3"


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneKey:
    """One key of a server block: zone (lower case, final dot) and port (None: the process default)."""

    scheme: Scheme
    zone: str
    port: int | None
    at: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class BindWord:
    """An address or interface name of `bind`, as written."""

    text: str
    at: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class BindRules:
    """`bind`: where to listen, and which of an interface's addresses to leave out."""

    words: tuple[BindWord, ...]
    except_words: tuple[BindWord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRules:
    """`success` or `denial`: entries and TTL limits in seconds."""

    capacity: int
    ttl_max_s: int
    ttl_min_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefetchRules:
    """`prefetch AMOUNT [DURATION [PERCENT%]]`; AMOUNT 0 is off."""

    amount: int = 0
    window_ms: int = 60_000
    percent: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleRules:
    """`serve_stale [DURATION [immediate|verify ...]]`."""

    window_s: int = 3600
    is_verify: bool = False
    verify_timeout_ms: int = 0
    response_ttl_s: int = 0
    recheck_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRules:
    """A `cache` directive. `zones` None means the block's own."""

    zones: tuple[str, ...] | None
    success: StoreRules
    denial: StoreRules
    prefetch: PrefetchRules
    stale: StaleRules | None
    prefers_positive: bool
    servfail_ms: int
    success_disabled_zones: tuple[str, ...]
    denial_disabled_zones: tuple[str, ...]
    keeps_ttl: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamWord:
    """A TO of `forward`: an address with port and zone id, or the path of a resolv.conf (`address` is then empty)."""

    address: str
    zone_id: str
    port: int
    path: str
    at: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardRules:
    """A `forward` directive, as written; resolv.conf paths are not read yet."""

    zone: str
    upstreams: tuple[UpstreamWord, ...]
    at: Place
    except_zones: tuple[str, ...] = ()
    forces_tcp: bool = False
    prefers_udp: bool = False
    policy: str = "random"
    expire_ms: int = 10_000
    max_fails: int = 2
    max_connect_attempts: int = 0
    max_concurrent: int = 0
    health_interval_ms: int = 500
    health_domain: str = "."
    is_health_recursive: bool = True
    next_rcodes: tuple[int, ...] = ()
    is_next_on_nodata: bool = False
    failover_rcodes: tuple[int, ...] = ()
    is_failfast: bool = False
    read_timeout_ms: int = 2_000
    max_age_ms: int = 0
    max_idle_connections: int = 0
    source_address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRule:
    """A `log` directive: name scopes, format (None: common), classes."""

    zones: tuple[str, ...]
    format: str
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consolidate:
    """A `consolidate` line of `errors`."""

    pattern: str
    period_ms: int
    level: str
    shows_first: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorsRules:
    """An `errors` directive."""

    has_stacktrace: bool = False
    consolidate: tuple[Consolidate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadRules:
    """A `reload` directive."""

    interval_ms: int = 30_000
    jitter_ms: int = 15_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A host and port to listen on; the host may be empty (all addresses)."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRules:
    """A `health` directive."""

    endpoint: Endpoint = field(default_factory=lambda: Endpoint(host="", port=8080))
    lameduck_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyRules:
    """A `ready` directive; `is_continuous` is `monitor continuously`."""

    endpoint: Endpoint = field(default_factory=lambda: Endpoint(host="", port=8181))
    is_continuous: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeoutRules:
    """A `timeouts` directive, for TCP."""

    read_ms: int = 3_000
    write_ms: int = 5_000
    idle_ms: int = 10_000
    max_tcp_queries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server block: its keys and what each directive in it means. None: the directive is absent.

    `places` names where each directive (`cache`) and each option (`cache.success`) stands, for problems and provenance.
    """

    keys: tuple[ZoneKey, ...]
    at: Place
    places: tuple[tuple[str, Place], ...] = field(default=(), compare=False)
    bind: BindRules | None = None
    cache: CacheRules | None = None
    forwards: tuple[ForwardRules, ...] = ()
    errors: ErrorsRules | None = None
    log: tuple[LogRule, ...] = ()
    has_loop: bool = False
    reload: ReloadRules | None = None
    health: HealthRules | None = None
    ready: ReadyRules | None = None
    prometheus: Endpoint | None = None
    is_debug: bool = False
    udp_size_limit: int | None = None
    timeouts: TimeoutRules | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What a person asked for: all server blocks, in file order."""

    servers: tuple[Server, ...]
