"""What the programs inside user-mode-linux share: a small world of three namespaces, the whole program, a pod's dig."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from node_life import PACKAGE, Program, in_namespace, teller
from small_world import CLUSTER, World, inside, run

from nodens import network

FOLDER = Path(os.environ["report"]).parent  # noqa: SIM112 - the kernel's command line gives it
STEERED = r"^\[INFO\] steering: "


@contextmanager
def small_world() -> Iterator[World]:
    """Make node, pod and cluster DNS; nobody takes them down, the kernel ends soon."""
    world = World(prefix="uml")
    world.raise_up()
    server = in_namespace(world.dns, *teller(*CLUSTER.values()))
    assert server.stdout
    assert server.stdout.readline() == b"ready\n"
    try:
        yield world
    finally:
        server.kill()
        server.communicate()


@contextmanager
def steering(
    world: World, name: str, *flags: str, addresses: tuple[str, ...], upstream: str = "192.168.2.10"
) -> Iterator[tuple[Program, float]]:
    """Give the program, once it steers, and the seconds that it took."""
    start = time.monotonic()
    program = Program(world, FOLDER / name, *flags, addresses=addresses, upstream=upstream)
    try:
        program.until(STEERED)
        yield program, time.monotonic() - start
    finally:
        program.close()


def nodens(world: World, *words: str) -> str:
    """Run the command `nodens` on the node."""
    return world.on_node("env", f"PYTHONPATH={PACKAGE}", sys.executable, "-m", "nodens", *words, check=False)


def doctor(world: World, localip: str) -> list[dict[str, str]]:
    """Give the lines of `nodens doctor`; what it says on stderr comes after them."""
    words = ("--localip", localip, "--cluster-dns", "10.96.0.10", "--name", "n1.cluster.local")
    report, _ = json.JSONDecoder().raw_decode(nodens(world, "doctor", "--json", *words))
    return list(report["lines"])


def traces(world: World) -> list[str]:
    """What of ours is on the node; nothing is changed."""
    with inside(world.node):
        return [trace.what for trace in network.look().found]


def ask(world: World, address: str, *how: str, name: str = "n1.cluster.local") -> str:
    """Ask from the pod: `1.1.1.1` is cluster DNS asked by the pod itself, `2.2.2.2` what the node got from it."""
    words = ("dig", "+short", "+tries=1", "+time=2", *how, f"@{address}", name)
    return run("ip", "netns", "exec", world.pod, *words, check=False).strip()


def rules(world: World) -> dict[str, list[str]]:
    """All rules in the chains that we write to, but kube-proxy's."""
    return {
        table: [
            line for line in world.on_node("iptables-legacy", "-t", table, "-S").splitlines() if "KUBE-" not in line
        ]
        for table in ("raw", "filter")
    }
