"""The benefits with numbers: the same measurements before and after the cache is installed, in one run."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from nodens import __version__
from nodens.lab.lesson import loads
from nodens.lab.lesson.asking import AskOrder
from nodens.lab.lesson.chapters.words import METRICS, NAME, NODE, SERVER
from nodens.lab.lesson.looks import total
from nodens.lab.world import DNS_TEST, Place, ProxyMode, World, kube_dns_upstream, standing

QUERIES: Final = 1_000
RATE: Final = 250
LOSS_PERCENT: Final = 1.0
LIBC_PATIENCE_S: Final = 5.0  # what glibc waits before it asks again
LIBC_ATTEMPTS: Final = 2
_DNAT: Final = r"^ *(\d+) .*/\* kube-system/kube-dns:dns cluster IP \*/"

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What was measured before, or after."""

    times_ms: tuple[float, ...]  # of 1,000 queries of one name
    lost: int
    dnat: int | None  # packets that the DNAT rule has counted for them; None: this mode of kube-proxy counts nothing
    tracked: int  # entries of conntrack that they made
    tcp: int  # TCP connections from the node to cluster DNS, kept open
    lossy_ms: tuple[float, ...]  # of 1,000 queries of names in use, while 1 % is lost towards cluster DNS
    lossy_lost: int
    resolv_conf: str  # SHA-256 of the pod's


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The whole run."""

    before: Side
    after: Side
    misses_ms: tuple[float, ...]  # after, with loss: names that nobody has asked for before
    metrics_nodes: int  # nodes whose :9253 tells coredns_ metrics
    denial_hits: int  # of two queries for a name that is not there
    proxy: ProxyMode
    kernel: str
    version: str
    date: str


def measure(place: Place, install: Callable[[], None], tell: Tell) -> Figures:
    """Measure, install, measure again."""
    before = _measure_side(standing(place), "before", tell)
    tell("installing the cache")
    install()
    world = standing(place)  # read anew: what was installed stands in its state
    after = _measure_side(world, "after", tell)
    tell(f"after: {QUERIES:,} names that nobody asked for before, {LOSS_PERCENT:g} % lost towards cluster DNS")
    misses = _with_loss(world, tuple(f"new-{number}.default.svc.cluster.local" for number in range(QUERIES)))
    return Figures(
        before=before,
        after=after,
        misses_ms=tuple(misses.times_ms),
        metrics_nodes=sum("coredns_" in _scrape(world, node.name) for node in world.nodes),
        denial_hits=_denial_hits(world),
        proxy=world.mode,
        kernel=os.uname().release,
        version=__version__,
        date=time.strftime("%Y-%m-%d"),
    )


def quantile(times_ms: tuple[float, ...], share: float) -> float:
    """Give the time that so large a share of the sorted times did not exceed; not a number if there is none."""
    return times_ms[min(len(times_ms) - 1, int(share * len(times_ms)))] if times_ms else float("nan")


def _measure_side(world: World, side: str, tell: Tell) -> Side:
    """Measure everything once."""
    loads.ask(world, _order((NAME,), count=20))  # whatever has to be learnt first: neighbours, connections
    tell(f"{side}: {QUERIES:,} queries of one name, {RATE} a second")
    dnat = _dnat_packets(world)
    told = loads.ask(world, _order((NAME,)))
    dnat_then = _dnat_packets(world)
    tell(f"{side}: the same for names in use, {LOSS_PERCENT:g} % lost towards cluster DNS")
    lossy = _with_loss(world, loads.NAMES)
    return Side(
        times_ms=tuple(told.times_ms),
        lost=told.lost,
        dnat=None if dnat is None or dnat_then is None else dnat_then - dnat,
        tracked=told.by_cluster,
        tcp=_tcp_connections(world),
        lossy_ms=tuple(lossy.times_ms),
        lossy_lost=lossy.lost,
        resolv_conf=hashlib.sha256(world.run(DNS_TEST, "cat", "/etc/resolv.conf").stdout.encode()).hexdigest(),
    )


def _order(names: tuple[str, ...], *, count: int = QUERIES) -> AskOrder:
    """Ask as a pod's libc does: wait five seconds, then ask once more."""
    return AskOrder(
        server=SERVER, names=names, rate=RATE, count=count, patience_s=LIBC_PATIENCE_S, attempts=LIBC_ATTEMPTS
    )


def _with_loss(world: World, names: tuple[str, ...]) -> loads.Outcome:
    """Ask while packets towards cluster DNS are lost; whatever happens, the loss ends with it."""
    world.lose(LOSS_PERCENT)
    try:
        return loads.ask(world, _order(names))
    finally:
        world.lose(0)


def _dnat_packets(world: World) -> int | None:
    """Read the counter of kube-proxy's rule for 10.96.0.10, udp: it counts the first packet of each connection."""
    if world.mode is not ProxyMode.IPTABLES:
        return None
    text = world.run(NODE, "iptables", "-t", "nat", "-vnxL", "KUBE-SERVICES").stdout
    found = [re.search(_DNAT, line) for line in text.splitlines()]
    return sum(int(each[1]) for each in found if each)


def _tcp_connections(world: World) -> int:
    """Count the connections that the node keeps open to kube-dns-upstream."""
    upstream = kube_dns_upstream().address.v4
    return len(world.run(NODE, "ss", "-Htn", "state", "established", "dst", f"{upstream}:53").stdout.splitlines())


def _scrape(world: World, node: str) -> str:
    """Read the metrics of a node's cache; empty if there is none."""
    return world.run(node, "curl", "-s", "--max-time", "3", METRICS, check=False).stdout


def _denial_hits(world: World) -> int:
    """Ask twice for a name that is not there, and see how far the counter of denial hits moves."""
    pattern = r'^coredns_cache_hits_total\{server="dns://10\.96\.0\.10:53",type="denial"[^}]*\} ([\d.e+]+)$'
    before = total(_scrape(world, NODE), pattern)
    for _ in range(2):
        world.ask(DNS_TEST, SERVER, "never-there.default.svc.cluster.local")
    return int(total(_scrape(world, NODE), pattern) - before)
