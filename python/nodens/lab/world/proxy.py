"""kube-proxy's rules on a node, as kube-proxy itself writes them, in its two modes. Pure; `standing` loads them.

What is here for: every chain, comment and name that a person or a tool would look for, derived as kube-proxy derives it
(the well-known `KUBE-SVC-TCOU7JCQXEZGVUNU` is a digest of `kube-system/kube-dns:dns` and `udp`).
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from nodens.lab.world.topology import Port, Service, Topology

MASQUERADE_MARK = "0x4000"


class ProxyMode(StrEnum):
    """How Services are translated."""

    IPTABLES = "iptables"
    NFTABLES = "nftables"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontend:
    """One port of one Service in one family, and what stands behind it: what both modes make their rules of."""

    service: Service
    port: Port
    address: str
    endpoints: tuple[str, ...]

    @property
    def label(self) -> str:
        """Give `namespace/name:port`, as kube-proxy's comments have it."""
        return f"{self.service.full_name}:{self.port.name}"


def frontends(world: Topology, family: int) -> Iterator[Frontend]:
    """Give every port of every Service that has an address of a family."""
    for service in world.services:
        if address := service.address.of(family):
            for port in service.ports:
                yield Frontend(service=service, port=port, address=address, endpoints=world.endpoints(service, family))


def digest(text: str, length: int) -> str:
    """Give the first letters of a digest, as kube-proxy names chains."""
    return b32encode(sha256(text.encode()).digest()).decode()[:length]


def with_port(address: str, port: int) -> str:
    """Give `10.0.0.1:53`, or `[fd00::1]:53`."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
