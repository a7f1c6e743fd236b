"""Every metric of the control plane, a row each. CoreDNS' names keep their meaning; ours start with `nodens_`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable


class Kind(StrEnum):
    """What a family counts, in the words of the text format."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A metric: its name, kind, help, label names in alphabetical order, and bucket bounds (without `+Inf`)."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A histogram's value: what fell under each bound (not cumulative), the sum of all, and how many there were."""

    counts: tuple[int, ...]
    total: float
    count: int


Value: TypeAlias = float | Distribution


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One number of a family, under its label values."""

    family: Family
    labels: tuple[str, ...]
    value: Value


CatalogueRow: TypeAlias = tuple[str, str, str, tuple[str, ...], tuple[float, ...]]
"""A row of the engine's own catalogue, as it crosses the boundary."""


def _counter(name: str, text: str, *labels: str) -> Family:
    """A row of a number that only grows."""
    return Family(name=name, kind=Kind.COUNTER, help=text, labels=labels)


def _gauge(name: str, text: str, *labels: str) -> Family:
    """A row of a number that goes up and down."""
    return Family(name=name, kind=Kind.GAUGE, help=text, labels=labels)


SETUP_ERRORS = _counter(
    "coredns_nodecache_setup_errors_total",
    "The number of errors during periodic network setup for node-cache",
    "errortype",
)
SETUP_ERROR_TYPES = ("configmap", "interface_add", "interface_check", "iptables", "iptables_lock")

BUILD_INFO = _gauge(
    "coredns_build_info",
    "A metric with a constant '1' value labeled by version, revision, and goversion from which CoreDNS was built.",
    "goversion",
    "revision",
    "version",
)
PLUGIN_ENABLED = _gauge(
    "coredns_plugin_enabled",
    "A metric that indicates whether a plugin is enabled on per server and zone basis.",
    "name",
    "server",
    "view",
    "zone",
)
RELOAD_FAILED = _counter("coredns_reload_failed_total", "Counter of the number of failed reload attempts.")
RELOAD_REFUSED = _gauge(
    "nodens_reload_refused",
    "1 while the configuration found last was refused and the one before runs on; 0 when what was found is what runs.",
)
RELOAD_VERSION = _gauge(
    "coredns_reload_version_info",
    "A metric with a constant '1' value labeled by hash, and value which type of hash generated.",
    "hash",
    "value",
)
HEALTH_DURATION = Family(
    name="coredns_health_request_duration_seconds",
    kind=Kind.HISTOGRAM,
    help="Histogram of the time (in seconds) each request took.",
    buckets=(0.00025, 0.0025, 0.025, 0.25, 2.5),
)
HEALTH_FAILURES = _counter("coredns_health_request_failures_total", "The number of times the health check failed.")
HOSTS_RELOAD = _gauge("coredns_hosts_reload_timestamp_seconds", "The timestamp of the last reload of hosts file.")

CPU_SECONDS = _counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.")
MAX_FDS = _gauge("process_max_fds", "Maximum number of open file descriptors.")
RECEIVED = _counter("process_network_receive_bytes_total", "Number of bytes received by the process over the network.")
TRANSMITTED = _counter("process_network_transmit_bytes_total", "Number of bytes sent by the process over the network.")
OPEN_FDS = _gauge("process_open_fds", "Number of open file descriptors.")
RESIDENT = _gauge("process_resident_memory_bytes", "Resident memory size in bytes.")
START_TIME = _gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.")
VIRTUAL = _gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.")
VIRTUAL_MAX = _gauge("process_virtual_memory_max_bytes", "Maximum amount of virtual memory available in bytes.")

SCRAPES = _counter("promhttp_metric_handler_requests_total", "Total number of scrapes by HTTP status code.", "code")
SCRAPE_CODES = ("200", "500", "503")
SCRAPES_IN_FLIGHT = _gauge("promhttp_metric_handler_requests_in_flight", "Current number of scrapes being served.")

PLAN_INFO = _gauge("nodens_plan_info", "A constant 1, labelled by the id of the plan that is running.", "id")
PLAN_APPLIED = _gauge(
    "nodens_plan_applied_timestamp_seconds", "When the running plan was taken up, in seconds since the epoch."
)
EVENTS = _counter("nodens_events_total", "Rare events of the engine, such as an upstream going down.", "kind")
CONTROL_FAILURES = _counter(
    "nodens_control_failures_total", "Bugs that a control task met and survived; each is in the log.", "task"
)
HTTP_DOWN = _gauge("nodens_http_listener_down", "1 while a metrics, health or ready address cannot be had.", "address")
LISTENER_DEAF = _gauge(
    "nodens_listener_deaf", "1 while one of our own DNS addresses gives no answer to ourselves.", "address"
)


class Withheld(StrEnum):
    """Why traffic is not pointed at us: the closed set of the `reason` label."""

    STARTING = "starting"  # nothing was decided yet
    UPSTREAMS = "upstreams"  # no upstream answers
    WORKERS = "workers"  # a packet worker hangs
    DEAF = "deaf"  # an address of ours gives no answer to ourselves
    FROZEN = "frozen"  # this process was stopped or starved, again and again
    TROUBLE = "trouble"  # the node refused a step
    STOPPING = "stopping"  # on the way out


class Role(StrEnum):
    """Our side of a hand-over: the closed set of the `role` label."""

    GIVEN = "given"  # to the process after us
    TAKEN = "taken"  # from the process before us


class Outcome(StrEnum):
    """What became of a hand-over: the closed set of the `outcome` label."""

    DONE = "done"
    FAILED = "failed"  # something was lent, and not taken: the one before goes on
    REFUSED = "refused"  # nothing was lent: both serve until one is stopped


HANDOVERS = _counter(
    "nodens_handovers_total",
    "Hand-overs to the process after us or from the one before, by what became of them; both start at 0.",
    "outcome",
    "role",
)
STEERED = _gauge("nodens_steered", "1 while queries of this node's pods are pointed at us, 0 while they are not.")
STEERING_RUNG = _gauge(
    "nodens_steering_rung",
    "The rung of the steering ladder we stand on: 1 is the safest, 5 the original's way, 0 has no rules of ours.",
    "link",
    "rules",
)
STEERING_REPAIRED = _gauge(
    "nodens_steering_last_repair_timestamp_seconds",
    "When something that was taken from link or rules was last put back, in seconds since the epoch; 0: never.",
)
STEERING_REPAIRS = _counter(
    "nodens_steering_repairs_total",
    "Times that something was put back that somebody had taken from link or rules.",
    "part",
)
STEERING_STALE = _gauge(
    "nodens_steering_stale_rules",
    "Rules of another agent, dead or beside us, that would keep pods from cluster DNS when we are gone; 0 is well.",
)

STEERING_WITHHELD = _gauge(
    "nodens_steering_withheld",
    "Why traffic is not pointed at us: 1 for the one reason that holds, 0 for all others, all 0 while it is.",
    "reason",
)
LETS_GO = (Withheld.DEAF, Withheld.FROZEN, Withheld.WORKERS)
STEERING_LET_GO = _counter(
    "nodens_steering_let_go_total",
    "Times that traffic which was pointed at us was given back to cluster DNS, when we could not be trusted with it.",
    "reason",
)

CONTROL: tuple[Family, ...] = (
    SETUP_ERRORS,
    BUILD_INFO,
    PLUGIN_ENABLED,
    RELOAD_FAILED,
    RELOAD_REFUSED,
    RELOAD_VERSION,
    HEALTH_DURATION,
    HEALTH_FAILURES,
    HOSTS_RELOAD,
    CPU_SECONDS,
    MAX_FDS,
    RECEIVED,
    TRANSMITTED,
    OPEN_FDS,
    RESIDENT,
    START_TIME,
    VIRTUAL,
    VIRTUAL_MAX,
    SCRAPES,
    SCRAPES_IN_FLIGHT,
    PLAN_INFO,
    PLAN_APPLIED,
    EVENTS,
    CONTROL_FAILURES,
    HTTP_DOWN,
    LISTENER_DEAF,
    HANDOVERS,
    STEERED,
    STEERING_RUNG,
    STEERING_REPAIRED,
    STEERING_REPAIRS,
    STEERING_STALE,
    STEERING_WITHHELD,
    STEERING_LET_GO,
)


def families(rows: Iterable[CatalogueRow]) -> tuple[Family, ...]:
    """Read the engine's catalogue into families, row by row."""
    return tuple(
        Family(name=name, kind=Kind(kind), help=text, labels=labels, buckets=buckets)
        for name, kind, text, labels, buckets in rows
    )


def document(engine_rows: Iterable[CatalogueRow]) -> str:
    """Give docs/metrics.md: every family of both catalogues, sorted by name."""
    lines = [
        "# Metrics",
        "",
        "Made from the two catalogues by `nodens show metrics`; do not edit. A family with labels appears after its",
        "first use. Names that CoreDNS has keep their meaning; ours start with `nodens_`.",
        "",
        "| Name | Kind | Labels | Meaning |",
        "|---|---|---|---|",
    ]
    for family in sorted((*CONTROL, *families(engine_rows)), key=lambda family: family.name):
        labels = ", ".join(f"`{label}`" for label in family.labels) or "-"
        meaning = family.help.replace("|", "\\|").replace("\n", " ")
        lines.append(f"| `{family.name}` | {family.kind.value} | {labels} | {meaning} |")
    return "\n".join(lines) + "\n"
