"""A cluster DNS of a few Services on loopback, answering as CoreDNS' kubernetes plugin does. `make run` stands on it.

with small_cluster() as upstream:     # or: python -m nodens.lab.cluster_dns --listen 127.0.0.1:1054
    ... dig @127.0.0.1 -p PORT kubernetes.default.svc.cluster.local ...
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from nodens.lab.faults import answering
from nodens.lab.upstream import Upstream
from nodens.lab.zone import Zone

if TYPE_CHECKING:
    from collections.abc import Iterator

SOA = "3600 SOA ns.dns.cluster.local. hostmaster.cluster.local. 1700000000 7200 1800 86400 30"
SOA_TTL_S = 30  # CoreDNS' kubernetes plugin gives its TTL to the SOA as well; MINIMUM is 30
SERVICES = {
    "kubernetes.default": ("10.96.0.1", {"https": ("tcp", 443)}),
    "kube-dns.kube-system": ("10.96.0.10", {"dns": ("udp", 53), "dns-tcp": ("tcp", 53), "metrics": ("tcp", 9153)}),
    "web.shop": ("10.96.12.34", {"http": ("tcp", 80)}),
    "api.shop": ("10.96.12.35", {"http": ("tcp", 8080), "grpc": ("tcp", 9090)}),
    "metrics.ops": ("10.96.40.7", {"http": ("tcp", 9090)}),
}
# A headless Service: a name for each pod, one A for each of them at the Service's own name.
HEADLESS = {
    "db.shop": ({"db-0": "10.244.1.11", "db-1": "10.244.2.12", "db-2": "10.244.3.13"}, {"postgres": ("tcp", 5432)})
}


def _soa(apex: str) -> str:
    return f"{apex} {SOA.replace('3600', str(SOA_TTL_S), 1)}"


def _service_lines() -> Iterator[str]:
    for name, (address, ports) in SERVICES.items():
        full = f"{name}.svc.cluster.local."
        yield f"{full} 30 A {address}"
        for port, (protocol, number) in ports.items():
            yield f"_{port}._{protocol}.{full} 30 SRV 0 100 {number} {full}"
    for name, (pods, ports) in HEADLESS.items():
        full = f"{name}.svc.cluster.local."
        for pod, address in pods.items():
            yield f"{full} 30 A {address}"
            yield f"{pod}.{full} 30 A {address}"
            for port, (protocol, number) in ports.items():
                yield f"_{port}._{protocol}.{full} 30 SRV 0 {100 // len(pods)} {number} {pod}.{full}"


def _pointer_lines() -> Iterator[str]:
    addresses = {address: f"{name}.svc.cluster.local." for name, (address, _) in SERVICES.items()}
    for name, (pods, _) in HEADLESS.items():
        addresses |= {address: f"{pod}.{name}.svc.cluster.local." for pod, address in pods.items()}
    for address, name in addresses.items():
        yield f"{'.'.join(reversed(address.split('.')))}.in-addr.arpa. 30 PTR {name}"


def zones() -> tuple[Zone, ...]:
    """Give what the embedded cluster DNS serves: cluster.local and the reverse zones."""
    cluster = [
        _soa("cluster.local."),
        "cluster.local. 30 NS ns.dns.cluster.local.",
        "ns.dns.cluster.local. 30 A 10.96.0.10",
        'dns-version.cluster.local. 30 TXT "1.1.0"',
        *_service_lines(),
    ]
    reverse = [_soa("in-addr.arpa."), *_pointer_lines()]
    return (
        Zone("cluster.local", "\n".join(cluster)),
        Zone("in-addr.arpa", "\n".join(reverse)),
        Zone("ip6.arpa", _soa("ip6.arpa.")),
    )


@contextmanager
def small_cluster(host: str = "127.0.0.1", port: int = 0) -> Iterator[Upstream]:
    """Serve the small cluster until the end of the block; `.address` tells where."""
    with Upstream(answering(*zones()), host=host, port=port) as upstream:
        yield upstream
