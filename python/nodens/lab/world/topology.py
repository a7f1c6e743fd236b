"""What the small world is made of: nodes, pods, Services, as plain data. Nothing here touches a kernel.

    world = lesson()                    # the lesson's: three nodes, two cluster-DNS pods, `dns-test`
    world.pod("dns-test").node          # "k01-worker"
    world.endpoints(world.service("kube-dns"), family=4)

Every address is a pair: IPv4, and IPv6 where the world has both families (else empty).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Protocol, TypeVar

from nodens.errors import LabError

DOMAIN = "cluster.local"
GATEWAY = "outside"  # the room of everything that is no node: the nodes' switch, and the resolver they have
DNS_TEST = "dns-test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """One address of each family; `v6` is empty where the world has IPv4 alone."""

    v4: str
    v6: str = ""

    def of(self, family: int) -> str:
        """Give the address of family 4 or 6; empty if there is none."""
        return self.v4 if family == 4 else self.v6  # noqa: PLR2004 - the family's own number

    @property
    def all(self) -> tuple[str, ...]:
        """Give those that there are, IPv4 first."""
        return tuple(address for address in (self.v4, self.v6) if address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node: its address on the nodes' own network, and the blocks its pods have theirs from."""

    name: str
    address: Addresses
    pod_block: Addresses
    roles: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod with a network of its own. `app` is its label `k8s-app`, by which Services choose.

    Without `gateway` it is wired as Calico does; with one (an address with its prefix length, on the node's end of its
    cable, `link`) as most others do.
    """

    name: str
    namespace: str
    node: str
    address: Addresses
    app: str = ""
    gateway: Addresses | None = None
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port of a Service; `target` is the pods' own."""

    name: str
    protocol: str
    number: int
    target: int = 0

    @property
    def at_pod(self) -> int:
        """Give the pods' port."""
        return self.target or self.number


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A Service with a cluster address. `app` chooses pods by label; `outside` names endpoints that are no pods."""

    name: str
    namespace: str
    address: Addresses
    ports: tuple[Port, ...]
    app: str = ""
    outside: tuple[Addresses, ...] = ()

    @property
    def full_name(self) -> str:
        """Give `namespace/name`, as kube-proxy writes it."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Networks:
    """The ranges: nodes (with the switch's own address), pods, Services."""

    nodes: Addresses
    switch: Addresses
    pods: Addresses
    services: Addresses


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """A whole world."""

    networks: Networks
    nodes: tuple[Node, ...]
    pods: tuple[Pod, ...]
    services: tuple[Service, ...]

    @property
    def families(self) -> tuple[int, ...]:
        """Give 4, or 4 and 6."""
        return (4, 6) if self.networks.services.v6 else (4,)

    def node(self, name: str) -> Node:
        """Find a node; LabError with the names there are."""
        return _find(self.nodes, name, "node")

    def pod(self, name: str) -> Pod:
        """Find a pod."""
        return _find(self.pods, name, "pod")

    def service(self, name: str) -> Service:
        """Find a Service."""
        return _find(self.services, name, "Service")

    def pods_of(self, app: str) -> tuple[Pod, ...]:
        """Give the pods with a label."""
        return tuple(pod for pod in self.pods if app and pod.app == app)

    def endpoints(self, service: Service, family: int) -> tuple[str, ...]:
        """Give the addresses that stand behind a Service, as kube-proxy sorts them."""
        found = [pod.address.of(family) for pod in self.pods_of(service.app)]
        found += [address.of(family) for address in service.outside]
        return tuple(sorted((address for address in found if address), key=lambda each: int(ip_address(each))))

    def with_service(self, service: Service) -> Topology:
        """Give the same world with one Service more (or another of the same name)."""
        return replace(self, services=(*self.without_service(service.name).services, service))

    def without_service(self, name: str) -> Topology:
        """Give the same world without a Service."""
        return replace(self, services=tuple(service for service in self.services if service.name != name))


class _Named(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str:
        """Give it."""


Named = TypeVar("Named", bound=_Named)


def _find(among: tuple[Named, ...], name: str, kind: str) -> Named:
    for each in among:
        if each.name == name:
            return each
    raise LabError(f"lab: `{name}` is not a {kind} here; expected one of: {', '.join(each.name for each in among)}")


# ------------ the lesson's world ------------

DNS_PORTS = (Port(name="dns", protocol="udp", number=53), Port(name="dns-tcp", protocol="tcp", number=53))
CONTROL_PLANE, WORKER, WORKER2 = "k01-control-plane", "k01-worker", "k01-worker2"
KUBERNETES = Addresses(v4="10.96.0.1")  # has one family, the first, in a cluster of two as well
KUBE_DNS = Addresses(v4="10.96.0.10", v6="fd00:10:96::a")
KUBE_DNS_UPSTREAM = Addresses(v4="10.96.73.18", v6="fd00:10:96::4912")  # a cluster would draw it by lot

_NETWORKS = Networks(
    nodes=Addresses(v4="172.18.0.0/16", v6="fc00:f853:ccd:e793::/64"),  # as Kind's container network has them
    switch=Addresses(v4="172.18.0.1", v6="fc00:f853:ccd:e793::1"),
    pods=Addresses(v4="192.168.0.0/16", v6="fd00:10:244::/48"),
    services=Addresses(v4="10.96.0.0/16", v6="fd00:10:96::/112"),
)
# name, roles, last part of its address, its pods' block: number 0 of it, of each family
_NODES = (
    (CONTROL_PLANE, "control-plane", 2, "192.168.154.192", "fd00:10:244:9ac0::"),
    (WORKER, "", 3, "192.168.82.64", "fd00:10:244:5240::"),
    (WORKER2, "", 4, "192.168.180.192", "fd00:10:244:b4c0::"),
)
# name, namespace, node, number in the node's block, label
_PODS = (
    ("coredns-668d6bf9bc-4kx7p", "kube-system", CONTROL_PLANE, 2, "kube-dns"),
    ("coredns-668d6bf9bc-t9w2m", "kube-system", WORKER2, 1, "kube-dns"),
    (DNS_TEST, "default", WORKER, 1, ""),
)


def lesson(*, dual_stack: bool = False) -> Topology:
    """Give the lesson's world: its nodes, its pods, its Services before anything is deployed."""
    nodes = tuple(
        Node(
            name=name,
            roles=roles,
            address=Addresses(v4=f"172.18.0.{last}", v6=f"fc00:f853:ccd:e793::{last}"),
            pod_block=Addresses(v4=f"{block}/26", v6=f"{block_v6}/122"),
        )
        for name, roles, last, block, block_v6 in _NODES
    )
    blocks = {name: (block, block_v6) for name, _, _, block, block_v6 in _NODES}
    pods = tuple(
        Pod(
            name=name,
            namespace=namespace,
            node=node,
            address=Addresses(v4=str(ip_address(blocks[node][0]) + number), v6=f"{blocks[node][1]}{number}"),
            app=app,
        )
        for name, namespace, node, number, app in _PODS
    )
    services = (
        Service(
            name="kubernetes",
            namespace="default",
            address=KUBERNETES,
            ports=(Port(name="https", protocol="tcp", number=443, target=6443),),
            outside=(Addresses(v4=nodes[0].address.v4),),
        ),
        Service(
            name="kube-dns",
            namespace="kube-system",
            address=KUBE_DNS,
            ports=(*DNS_PORTS, Port(name="metrics", protocol="tcp", number=9153)),
            app="kube-dns",
        ),
    )
    whole = Topology(networks=_NETWORKS, nodes=nodes, pods=pods, services=services)
    return whole if dual_stack else in_one_family(whole)


def kube_dns_upstream(*, dual_stack: bool = False) -> Service:
    """Give the Service that comes with the deployment."""
    address = KUBE_DNS_UPSTREAM if dual_stack else Addresses(v4=KUBE_DNS_UPSTREAM.v4)
    return Service(name="kube-dns-upstream", namespace="kube-system", address=address, ports=DNS_PORTS, app="kube-dns")


def in_one_family(world: Topology) -> Topology:
    """Give the same world with IPv4 alone."""
    networks = Networks(
        nodes=_first(world.networks.nodes),
        switch=_first(world.networks.switch),
        pods=_first(world.networks.pods),
        services=_first(world.networks.services),
    )
    return Topology(
        networks=networks,
        nodes=tuple(
            replace(node, address=_first(node.address), pod_block=_first(node.pod_block)) for node in world.nodes
        ),
        pods=tuple(replace(pod, address=_first(pod.address)) for pod in world.pods),
        services=tuple(replace(service, address=_first(service.address)) for service in world.services),
    )


def _first(addresses: Addresses) -> Addresses:
    return Addresses(v4=addresses.v4)
