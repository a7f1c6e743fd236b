"""Fixtures: the small world with a cluster DNS that speaks DNS, the program on its node, a pod's load."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "steering")]  # tests are no package

from node_life import ADDRESSES, Load, Program, in_namespace, teller  # noqa: E402 - after the path
from small_world import CLUSTER, World, proxy  # noqa: E402 - after the path


@pytest.fixture
def serve_cluster() -> Iterator[Callable[..., None]]:
    """Give `serve_cluster(world, "192.168.2.10", ...)`: a cluster DNS on these addresses."""
    servers = []

    def begin(world: World, *addresses: str) -> None:
        server = in_namespace(world.dns, *teller(*addresses))
        servers.append(server)
        assert server.stdout
        assert server.stdout.readline() == b"ready\n"

    yield begin
    for server in servers:
        server.kill()
        server.communicate()


@pytest.fixture
def make_node(needs: Callable[..., None], serve_cluster: Callable[..., None]) -> Iterator[Callable[[str], World]]:
    """Give `make_node("nftables")`: the mode of kube-proxy; `nft` and `legacy` are iptables', `none` is without."""
    needs(root=True, programs=("ip", "nft", "iptables-nft", "iptables-legacy", "conntrack"))
    made: list[World] = []

    def make(mode: str = "nftables") -> World:
        world = World(prefix=f"nodens-l{os.getpid()}-{len(made)}")
        made.append(world)
        world.raise_up()
        if mode != "none":
            proxy(world, mode)
        serve_cluster(world, *CLUSTER.values())
        return world

    yield make
    for world in made:
        world.take_down()


@pytest.fixture
def node(make_node: Callable[[str], World]) -> World:
    return make_node("nftables")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Give `start(world, "-steering=nft")`: the program on the world's node."""
    programs: list[Program] = []

    def begin(
        world: World,
        *flags: str,
        addresses: tuple[str, ...] = ADDRESSES,
        upstream: str = "192.168.2.10",
        **more: Any,  # noqa: ANN401 - what Program takes
    ) -> Program:
        folder = tmp_path / str(len(programs))
        programs.append(Program(world, folder, *flags, addresses=addresses, upstream=upstream, **more))
        return programs[-1]

    yield begin
    for program in programs:
        program.close()


@pytest.fixture
def load() -> Iterator[Callable[..., Load]]:
    """Give `load(world, "10.96.0.10")`: a pod that asks a thousand times a second."""
    loads: list[Load] = []

    def begin(world: World, address: str = ADDRESSES[1], rate: int = 1_000) -> Load:
        loads.append(Load(world, address, rate))
        return loads[-1]

    yield begin
    for each in loads:
        each.close()
