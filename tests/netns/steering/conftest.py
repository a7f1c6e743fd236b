"""Fixtures: worlds, and holders to kill in them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nodens import network

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # tests are no package; the small world stands beside this file

from small_world import CLUSTER, PACKAGE, Holder, World, proxy  # noqa: E402 - after the path


@pytest.fixture
def make_world(needs: Callable[..., None]) -> Iterator[Callable[[str], World]]:
    """Give `make_world("nftables")`: the mode of kube-proxy; `nft` and `legacy` are iptables'."""
    needs(root=True, programs=("ip", "nft", "iptables-nft", "iptables-legacy", "conntrack"))
    made: list[World] = []

    def make(mode: str = "nftables") -> World:
        world = World(prefix=f"nodens-t{os.getpid()}-{len(made)}")
        made.append(world)
        world.raise_up()
        proxy(world, mode)
        for service, server in CLUSTER.items():
            world.serve(world.dns, server, b"cluster")
            world.wait_until(service, "cluster")
        world.forget()
        return world

    yield make
    for world in made:
        world.take_down()


@pytest.fixture
def world(make_world: Callable[[str], World]) -> World:
    return make_world("nftables")


@pytest.fixture
def hold() -> Iterator[Callable[..., Holder]]:
    """Give `hold(world, plan)`: a process that steers by this plan, and beats."""
    held: list[Holder] = []

    def start(world: World, plan: network.SteeringPlan, *words: str) -> Holder:
        wish = {
            "spelling": plan.rung.spelling,
            "let_go": plan.rung.let_go,
            "link": plan.rung.link,
            "hold_ms": plan.hold_ms,
            "instance": plan.instance,
            "own": plan.own_addresses,
            "borrowed": plan.borrowed_addresses,
        }
        process = subprocess.Popen(
            ["ip", "netns", "exec", world.node, sys.executable, str(HERE / "holder.py"), json.dumps(wish), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(PACKAGE)},
        )
        holder = Holder(process)
        held.append(holder)
        assert holder.hear() == "ready"
        return holder

    yield start
    for holder in held:
        holder.kill()
        for stream in (holder.process.stdin, holder.process.stdout):
            if stream:
                stream.close()
