"""The smallest world: one node, a pod, a cluster DNS, both families. Tests of steering and of a node's life use it.

It has networks alone, no furniture: a namespace each, named by whoever makes it.
"""

from __future__ import annotations

from nodens.lab.world import proxy_rules
from nodens.lab.world.proxy import ProxyMode
from nodens.lab.world.topology import DNS_PORTS, Addresses, Networks, Node, Pod, Service, Topology
from nodens.lab.world.wiring import Naming

NODE, POD, DNS = "node", "pod", "dns"
_NOWHERE = Addresses(v4="")  # there is no other node, so no network between nodes
_TOOLS = {"nft": "-nft", "legacy": "-legacy"}  # which of iptables' two


def small() -> Topology:
    """Give it: pods 192.168.1.0/24 and fd00:1::/64, cluster DNS at 192.168.2.10 behind 10.96.0.10 and fd00:96::a."""
    pods = tuple(
        Pod(
            name=name,
            namespace="default",
            node=NODE,
            address=Addresses(v4=f"192.168.{number}.10", v6=f"fd00:{number}::10"),
            gateway=Addresses(v4=f"192.168.{number}.1/24", v6=f"fd00:{number}::1/64"),
            link=f"cali{number}",
            app=app,
        )
        for name, number, app in ((POD, 1, ""), (DNS, 2, "kube-dns"))
    )
    kube_dns = Service(
        name="kube-dns",
        namespace="kube-system",
        address=Addresses(v4="10.96.0.10", v6="fd00:96::a"),
        ports=DNS_PORTS,
        app="kube-dns",
    )
    networks = Networks(
        nodes=_NOWHERE,
        switch=_NOWHERE,
        pods=Addresses(v4="192.168.1.0/24", v6="fd00:1::/64"),  # what asks from elsewhere is masqueraded
        services=Addresses(v4="10.96.0.0/16", v6="fd00:96::/112"),
    )
    node = Node(name=NODE, address=_NOWHERE, pod_block=_NOWHERE)
    return Topology(networks=networks, nodes=(node,), pods=pods, services=(kube_dns,))


def translate(naming: Naming, mode: str) -> None:
    """Write kube-proxy's rules on the node: `nftables`, or `nft` or `legacy` of iptables' two."""
    asked = ProxyMode.NFTABLES if mode == "nftables" else ProxyMode.IPTABLES

    def command(*words: str) -> list[str]:
        return ["ip", "netns", "exec", naming(NODE), *words]

    proxy_rules.install(command, asked, small(), tool=_TOOLS.get(mode, ""))
