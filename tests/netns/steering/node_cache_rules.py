"""The rules of node-cache, by its own invocations."""

from __future__ import annotations

from small_world import World

SKIP = "NodeLocal DNS Cache: skip conntrack"
ALLOW = "NodeLocal DNS Cache: allow DNS traffic"
# The original's own invocations (behaviour 1.7), an address and the ports 53 and 8080.
TWELVE = (
    ("PREROUTING", "raw", "-p tcp -d IP --dport 53 -j NOTRACK", SKIP),
    ("PREROUTING", "raw", "-p udp -d IP --dport 53 -j NOTRACK", SKIP),
    ("INPUT", "filter", "-p tcp -d IP --dport 53 -j ACCEPT", ALLOW),
    ("INPUT", "filter", "-p udp -d IP --dport 53 -j ACCEPT", ALLOW),
    ("OUTPUT", "raw", "-p tcp -s IP --sport 53 -j NOTRACK", SKIP),
    ("OUTPUT", "raw", "-p udp -s IP --sport 53 -j NOTRACK", SKIP),
    ("OUTPUT", "filter", "-p tcp -s IP --sport 53 -j ACCEPT", ALLOW),
    ("OUTPUT", "filter", "-p udp -s IP --sport 53 -j ACCEPT", ALLOW),
    ("OUTPUT", "raw", "-p tcp -d IP --dport 53 -j NOTRACK", SKIP),
    ("OUTPUT", "raw", "-p udp -d IP --dport 53 -j NOTRACK", SKIP),
    ("OUTPUT", "raw", "-p tcp -d IP --dport 8080 -j NOTRACK", SKIP),
    ("OUTPUT", "raw", "-p tcp -s IP --sport 8080 -j NOTRACK", SKIP),
)


def insert_as_node_cache(world: World, flavour: str, address: str, times: int = 1) -> None:
    """Insert the twelve of an address."""
    for _ in range(times):
        _do_as_node_cache(world, flavour, address, "-I")


def delete_as_node_cache(world: World, flavour: str, address: str) -> None:
    """Delete them, as its teardown does."""
    _do_as_node_cache(world, flavour, address, "-D")


def _do_as_node_cache(world: World, flavour: str, address: str, what: str) -> None:
    tool = f"{'ip6tables' if ':' in address else 'iptables'}-{flavour}"
    for chain, table, words, comment in TWELVE:
        rest = words.replace("IP", address).split()
        world.on_node(tool, "-w", "5", what, chain, "-t", table, *rest, "-m", "comment", "--comment", comment)


def rules_of(world: World) -> list[str]:
    """All rules with the original's comments, in every iptables."""
    tools = [f"{tool}-{flavour}-save" for tool in ("iptables", "ip6tables") for flavour in ("nft", "legacy")]
    return [line for tool in tools for line in world.on_node(tool).splitlines() if "NodeLocal DNS Cache" in line]
