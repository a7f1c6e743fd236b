"""Loads kube-proxy's rules on a node and brings them up to date; and reads what they have counted."""

from __future__ import annotations

from collections.abc import Callable

from nodens.lab.world import proxy_iptables, proxy_nftables
from nodens.lab.world.errands import run
from nodens.lab.world.proxy import ProxyMode
from nodens.lab.world.topology import Topology

Command = Callable[..., list[str]]


def install(command: Command, mode: ProxyMode, world: Topology, *, tool: str = "") -> None:
    """Load the rules on a node for the first time. `tool`: `-nft` or `-legacy`, for one of iptables' two."""
    for family in world.families:
        if mode is ProxyMode.IPTABLES:
            restore(command, family, proxy_iptables.compose_base(family), tool=tool)
    sync(command, mode, world, tool=tool)


def sync(command: Command, mode: ProxyMode, world: Topology, *, before: Topology | None = None, tool: str = "") -> None:
    """Bring the Services' rules up to date."""
    for family in world.families:
        if mode is ProxyMode.IPTABLES:
            restore(command, family, proxy_iptables.compose_services(world, family, gone=before), tool=tool)
        elif mode is ProxyMode.NFTABLES:
            run(command("nft", "-f", "-"), text=proxy_nftables.compose(world, family))


def masquerade_pods(command: Command, world: Topology, *, tool: str = "") -> None:
    """Give pods the node's address towards what is no pod, as Calico's natOutgoing does."""
    for family in world.families:
        pods = world.networks.pods.of(family)
        rule = f'-A POSTROUTING -s {pods} ! -d {pods} -m comment --comment "natOutgoing" -j MASQUERADE --random-fully'
        restore(command, family, f"*nat\n{rule}\nCOMMIT\n", tool=tool)


def restore(command: Command, family: int, text: str, *, tool: str = "") -> None:
    """Load rules beside those that are there."""
    name = "iptables" if family == 4 else "ip6tables"  # noqa: PLR2004 - the family's own number
    run(command(f"{name}{tool}-restore", "--noflush", "-w", "5"), text=text)
