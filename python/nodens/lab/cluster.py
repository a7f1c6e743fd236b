"""A cluster DNS of a few Services on loopback, answering as CoreDNS' kubernetes plugin does. `make run` stands on it.

with small_cluster() as upstream:     # or: python -m nodens.lab.cluster_dns --listen 127.0.0.1:1054
    ... dig @127.0.0.1 -p PORT kubernetes.default.svc.cluster.local ...
"""

from __future__ import annotations

from contextlib import contextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING

from nodens.lab.faults import answering
from nodens.lab.upstream import Upstream
from nodens.lab.zone import Zone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Ports = Mapping[str, tuple[str, int]]
    Services = Mapping[str, tuple[Iterable[str], Ports]]  # name.namespace -> its addresses, its ports
    Headless = Mapping[str, tuple[Mapping[str, str], Ports]]  # name.namespace -> its pods' addresses, its ports

SOA = "3600 SOA ns.dns.cluster.local. hostmaster.cluster.local. 1700000000 7200 1800 86400 30"
SOA_TTL_S = 30  # CoreDNS' kubernetes plugin gives its TTL to the SOA as well; MINIMUM is 30
SERVICES: Services = {
    "kubernetes.default": (("10.96.0.1",), {"https": ("tcp", 443)}),
    "kube-dns.kube-system": (("10.96.0.10",), {"dns": ("udp", 53), "dns-tcp": ("tcp", 53), "metrics": ("tcp", 9153)}),
    "web.shop": (("10.96.12.34",), {"http": ("tcp", 80)}),
    "api.shop": (("10.96.12.35",), {"http": ("tcp", 8080), "grpc": ("tcp", 9090)}),
    "metrics.ops": (("10.96.40.7",), {"http": ("tcp", 9090)}),
}
# A headless Service: a name for each pod, one A for each of them at the Service's own name.
HEADLESS: Headless = {
    "db.shop": ({"db-0": "10.244.1.11", "db-1": "10.244.2.12", "db-2": "10.244.3.13"}, {"postgres": ("tcp", 5432)})
}


def _soa(apex: str) -> str:
    return f"{apex} {SOA.replace('3600', str(SOA_TTL_S), 1)}"


def _address_lines(name: str, addresses: Iterable[str]) -> Iterator[str]:
    for address in addresses:
        yield f"{name} 30 {'AAAA' if ':' in address else 'A'} {address}"


def _service_lines(services: Services) -> Iterator[str]:
    for name, (addresses, ports) in services.items():
        full = f"{name}.svc.cluster.local."
        yield from _address_lines(full, addresses)
        for port, (protocol, number) in ports.items():
            yield f"_{port}._{protocol}.{full} 30 SRV 0 100 {number} {full}"


def _headless_lines(headless: Headless) -> Iterator[str]:
    for name, (pods, ports) in headless.items():
        full = f"{name}.svc.cluster.local."
        for pod, address in pods.items():
            yield f"{full} 30 A {address}"
            yield f"{pod}.{full} 30 A {address}"
            for port, (protocol, number) in ports.items():
                yield f"_{port}._{protocol}.{full} 30 SRV 0 {100 // len(pods)} {number} {pod}.{full}"


def _pointer_lines(services: Services, headless: Headless) -> Iterator[str]:
    owners = {
        address: f"{name}.svc.cluster.local." for name, (addresses, _) in services.items() for address in addresses
    }
    for name, (pods, _) in headless.items():
        owners |= {address: f"{pod}.{name}.svc.cluster.local." for pod, address in pods.items()}
    for address, owner in owners.items():
        yield f"{ip_address(address).reverse_pointer}. 30 PTR {owner}"


def zones(services: Services | None = None, headless: Headless | None = None) -> tuple[Zone, ...]:
    """Give what a cluster DNS serves, of these Services or the embedded ones: its domain, the reverse zones."""
    services, headless = services or SERVICES, (headless or {}) if services else HEADLESS
    cluster = [
        _soa("cluster.local."),
        "cluster.local. 30 NS ns.dns.cluster.local.",
        *_address_lines("ns.dns.cluster.local.", services["kube-dns.kube-system"][0]),
        'dns-version.cluster.local. 30 TXT "1.1.0"',
        *_service_lines(services),
        *_headless_lines(headless),
    ]
    pointers = list(_pointer_lines(services, headless))
    reverse = [[line for line in pointers if f".{apex} " in line] for apex in ("in-addr.arpa.", "ip6.arpa.")]
    return (
        Zone("cluster.local", "\n".join(cluster)),
        Zone("in-addr.arpa", "\n".join([_soa("in-addr.arpa."), *reverse[0]])),
        Zone("ip6.arpa", "\n".join([_soa("ip6.arpa."), *reverse[1]])),
    )


@contextmanager
def small_cluster(host: str = "127.0.0.1", port: int = 0) -> Iterator[Upstream]:
    """Serve the small cluster until the end of the block; `.address` tells where."""
    with Upstream(answering(*zones()), host=host, port=port) as upstream:
        yield upstream
