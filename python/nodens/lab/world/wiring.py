"""Cables, addresses and routes of a world, as text for `ip -batch` and as settings. Pure; as Calico wires pods.

A pod has a /32 and a gateway that is nobody's (169.254.1.1, fe80::ecee:eeff:feee:eeee); its node has a route to it, and
answers for the gateway. Nodes hang on one switch and have routes to each other's blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha1

from nodens.lab.world.topology import GATEWAY, Node, Pod, Topology

SWITCH = "kind"  # the name of Kind's network
UPLINK = "eth0"
POD_MAC = "ee:ee:ee:ee:ee:ee"
GATEWAY_V4 = "169.254.1.1"
GATEWAY_V6 = "fe80::ecee:eeff:feee:eeee"
_LENGTHS = {4: 32, 6: 128}

Naming = Callable[[str], str]


def rooms_of(world: Topology) -> tuple[str, ...]:
    """Name every network of a world: what is outside (if it has a switch), nodes, pods."""
    outside = (GATEWAY,) if world.networks.switch.v4 else ()
    return (*outside, *(node.name for node in world.nodes), *(pod.name for pod in world.pods))


def pod_link(pod: Pod) -> str:
    """Name the node's end of a pod's cable, as Calico does: from a digest of whose it is."""
    return pod.link or "cali" + sha1(f"{pod.namespace}.{pod.name}".encode(), usedforsecurity=False).hexdigest()[:11]


def node_link(node: Node) -> str:
    """Name the switch's end of a node's cable, as container engines do."""
    return "veth" + sha1(node.name.encode(), usedforsecurity=False).hexdigest()[:7]


def namespaces(world: Topology, namespace: Naming) -> str:
    """Make the namespaces: a batch for the host's `ip`."""
    return _text([f"netns add {namespace(name)}" for name in rooms_of(world)])


def cables(world: Topology, namespace: Naming) -> str:
    """Make the cables between namespaces: a batch for the host's `ip`."""
    lines = []
    if world.networks.switch.v4:
        lines += [
            f"link add {UPLINK} netns {namespace(node.name)} type veth"
            f" peer name {node_link(node)} netns {namespace(GATEWAY)}"
            for node in world.nodes
        ]
    lines += [
        f"link add eth0 netns {namespace(pod.name)} type veth"
        f" peer name {pod_link(pod)} netns {namespace(pod.node)} address {POD_MAC}"
        for pod in world.pods
    ]
    return _text(lines)


def outside_batch(world: Topology) -> str:
    """Make the switch that nodes hang on: a batch for `ip` outside."""
    lines = ["link set lo up", f"link add {SWITCH} type bridge", f"link set {SWITCH} up"]
    for address, network in _pairs(world.networks.switch.all, world.networks.nodes.all):
        lines.append(_add_address(f"{address}/{network.partition('/')[2]}", SWITCH))
    for node in world.nodes:
        lines += [f"link set {node_link(node)} master {SWITCH}", f"link set {node_link(node)} up"]
    return _text(lines)


def node_batch(world: Topology, node: Node) -> str:
    """Give a node its addresses, and routes to all pods: a batch for `ip` on the node."""
    lines = ["link set lo up"]
    if world.networks.switch.v4:
        for address, network in _pairs(node.address.all, world.networks.nodes.all):
            lines.append(_add_address(f"{address}/{network.partition('/')[2]}", UPLINK))
        lines.append(f"link set {UPLINK} up")
        lines += [f"route add default via {switch}" for switch in world.networks.switch.all]
    for pod in (pod for pod in world.pods if pod.node == node.name):
        link = pod_link(pod)
        lines.append(f"link set {link} up")
        if pod.gateway:
            lines += [_add_address(gateway, link) for gateway in pod.gateway.all]
            continue
        lines += [f"addr replace {GATEWAY_V6}/64 dev {link} nodad"] if pod.address.v6 else []
        lines += [
            f"route add {address}/{_LENGTHS[family]} dev {link}" for family, address in _numbered(pod.address.all)
        ]
    lines += [f"route add blackhole {block} proto 80" for block in node.pod_block.all]  # a pod that is no more
    for other in world.nodes:
        if other != node:
            lines += [
                f"route add {block} via {address} proto 80"
                for block, address in _pairs(other.pod_block.all, other.address.all)
            ]
    return _text(lines)


def pod_batch(pod: Pod) -> str:
    """Give a pod its addresses and its way out: a batch for `ip` in the pod."""
    lines = ["link set lo up"]
    if pod.gateway:
        for address, gateway in _pairs(pod.address.all, pod.gateway.all):
            lines.append(_add_address(f"{address}/{gateway.partition('/')[2]}", "eth0"))
        lines.append("link set eth0 up")
        return _text([*lines, *(f"route add default via {each.partition('/')[0]}" for each in pod.gateway.all)])
    lines += [_add_address(f"{address}/{_LENGTHS[family]}", "eth0") for family, address in _numbered(pod.address.all)]
    lines += ["link set eth0 up", f"route add {GATEWAY_V4} dev eth0 scope link"]
    lines.append(f"route add default via {GATEWAY_V4} dev eth0")
    if pod.address.v6:
        lines.append(f"route add default via {GATEWAY_V6} dev eth0")
    return _text(lines)


def batches(world: Topology) -> dict[str, str]:
    """Give the batch of every network, by the name of its room."""
    outside = {GATEWAY: outside_batch(world)} if world.networks.switch.v4 else {}
    nodes = {node.name: node_batch(world, node) for node in world.nodes}
    return outside | nodes | {pod.name: pod_batch(pod) for pod in world.pods}


def settings(world: Topology, name: str) -> dict[str, str]:
    """Give what is set under /proc/sys/net in a room before its links come up; `*` is every link.

    Nobody else is on these cables: waiting for owners of the same address (DAD) would cost a second.
    """
    set_so = {"ipv6/conf/*/accept_dad": "0"}
    if name in {node.name for node in world.nodes}:
        set_so |= {"ipv4/ip_forward": "1", "ipv4/conf/all/rp_filter": "0", "ipv4/conf/default/rp_filter": "0"}
        if world.networks.services.v6:
            set_so |= {"ipv6/conf/all/forwarding": "1"}
        for pod in world.pods:
            if pod.node == name and not pod.gateway:
                set_so |= {f"ipv4/conf/{pod_link(pod)}/proxy_arp": "1", f"ipv4/neigh/{pod_link(pod)}/proxy_delay": "0"}
    return set_so


def _add_address(address: str, link: str) -> str:
    return f"addr add {address} dev {link}" + (" nodad" if ":" in address else "")


def _numbered(addresses: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    for address in addresses:
        yield (6 if ":" in address else 4), address


def _pairs(one: tuple[str, ...], other: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    yield from zip(one, other, strict=True)


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
