"""Lays a world's networks: namespaces, cables, addresses, routes. What goes wrong leaves what is there; `clear` it."""

from __future__ import annotations

from nodens.lab.world import wiring
from nodens.lab.world.errands import at_once, run
from nodens.lab.world.topology import Topology
from nodens.lab.world.wiring import Naming


def make_namespaces(world: Topology, naming: Naming) -> None:
    """Make every network namespace."""
    run(["ip", "-batch", "-"], text=wiring.namespaces(world, naming))


def connect(world: Topology, naming: Naming) -> None:
    """Lay cables between namespaces that are there, and give addresses and routes."""
    run(["ip", "-batch", "-"], text=wiring.cables(world, naming))
    batches = wiring.batches(world)
    at_once(lambda name: _settle(world, name, naming(name), batches[name]), batches)


def _settle(world: Topology, name: str, namespace: str, batch: str) -> None:
    """Set what is set in one network, then give it addresses and routes."""
    settings = wiring.settings(world, name)
    orders = "".join(
        f"for f in /proc/sys/net/{key}; do if [ -e $f ]; then echo {value} > $f; fi; done\n"
        for key, value in settings.items()
    )
    run(["ip", "netns", "exec", namespace, "sh", "-eus"], text=orders)
    run(["ip", "-n", namespace, "-batch", "-"], text=batch)
