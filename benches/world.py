"""The world of the benches: pod - node - upstream, three namespaces with no way out, and what stands in them.

NSD serves cluster.local in the upstream's namespace; subjects serve 10.96.0.10:53 in the node's; dnsperf asks from the
pod's. `Bench` holds them while a bench runs.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nodens.lab.host import Host, host, remove_leftovers, unsupported, wire

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = "10.96.0.10"
UPSTREAM = "172.30.0.2"
BLACK_HOLE = "172.30.0.99"  # a neighbour whose hardware address nobody has: packets leave, nothing returns
MISSES = 600_000

NSD = """server:
  ip-address: {upstream}
  port: 53
  username: ""
  zonesdir: "{d}"
  database: ""
  pidfile: "{d}/nsd.pid"
  xfrdfile: "{d}/xfrd.state"
  zonelistfile: "{d}/zone.list"
  server-count: 1
  tcp-count: 200
remote-control:
  control-enable: no
zone:
  name: cluster.local
  zonefile: cluster.local.zone
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The three hosts, and the directory where files stand."""

    pod: Host
    node: Host
    upstream: Host
    place: Path


def address_of(service: int) -> str:
    """Give the address of `svc-N`; the check before the timing knows it too."""
    return f"10.96.{service // 250 + 1}.{service % 250 + 1}"


def write_zone(place: Path) -> None:
    """Write the zone that NSD serves: 2000 Services, and a wildcard for names that nobody asked before."""
    lines = [
        "$ORIGIN cluster.local.",
        "$TTL 3600",
        "@ SOA ns.dns hostmaster 1 7200 1800 86400 3600",
        "@ NS ns.dns",
        f"ns.dns A {SERVER}",
        "kubernetes.default.svc A 10.96.0.1",
        "*.w A 10.96.9.9",
        *(f"svc-{i}.ns-{i % 50}.svc A {address_of(i)}" for i in range(2000)),
    ]
    (place / "cluster.local.zone").write_text("\n".join(lines) + "\n")
    (place / "nsd.conf").write_text(NSD.format(d=place, upstream=UPSTREAM))


def write_queries(place: Path, *, misses: int = MISSES) -> None:
    """Write the query files: hits, denials (the search path's first try), misses (each name once)."""
    chance = random.Random(17)
    services = [f"svc-{i}.ns-{i % 50}.svc.cluster.local" for i in range(1000)]
    (place / "hits.txt").write_text("".join(f"{name} A\n" for name in services))
    (place / "denials.txt").write_text("".join(f"{name}.default.svc.cluster.local A\n" for name in services))
    with (place / "misses.txt").open("w") as file:
        file.writelines(f"u{chance.getrandbits(60):x}.w.cluster.local A\n" for _ in range(misses))


@contextmanager
def bench_world(place: Path) -> Iterator[Bench]:
    """Make the hosts, wire them, run NSD; everything is gone at the end."""
    if reason := unsupported():
        raise SystemExit(f"benches need {reason}")
    remove_leftovers()
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # so that all is taken down
    place.mkdir(parents=True, exist_ok=True)
    write_zone(place)
    write_queries(place)
    with ExitStack() as life:
        pod, node, upstream = (life.enter_context(host(name)) for name in ("pod", "node", "upst"))
        wire(pod, "eth0", "10.244.0.2/24", node, "cali0", "10.244.0.1/24")
        wire(node, "eth1", "172.30.0.1/24", upstream, "eth0", f"{UPSTREAM}/24")
        pod.add_route("default", "10.244.0.1")
        upstream.add_route("default", "172.30.0.1")
        node.add_link("nodelocaldns", "bridge")  # stands in for `dummy`, which many kernels lack
        for address in ("169.254.20.10/32", f"{SERVER}/32"):
            node.add_address("nodelocaldns", address)
        node.run("ip", "neigh", "replace", BLACK_HOLE, "lladdr", "02:00:00:00:00:99", "dev", "eth1", "nud", "permanent")
        log = life.enter_context((place / "nsd.log").open("wb"))
        nsd = upstream.start("nsd", "-d", "-c", str(place / "nsd.conf"), log=log)
        life.callback(end, nsd)
        yield Bench(pod=pod, node=node, upstream=upstream, place=place)


def end(program: subprocess.Popen[bytes]) -> None:
    """End a program that a bench started: first politely."""
    program.terminate()
    try:
        program.wait(10)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()


def pause(seconds: float) -> None:
    """Let time pass: benches measure in real time."""
    time.sleep(seconds)
