"""The real program on the small world's node, and what it says; a pod's load. The rooms are the lab's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from small_world import BORROWED, OWN, PACKAGE, World

from nodens.lab.account import Account, Asking
from nodens.lab.world import programs
from nodens.lab.world.small import small
from started import Started

COREFILE = """\
.:53 {
    errors
    cache 30
    bind __PILLAR__LOCAL__DNS__
    prometheus :9253
    forward . __PILLAR__UPSTREAM__
    health 169.254.20.10:8080
    ready 169.254.20.10:8181
}
"""


def in_namespace(name: str, *words: str, **more: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["ip", "netns", "exec", name, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **more,  # type: ignore[call-overload]  # environment and such
    )


def teller(*addresses: str) -> list[str]:
    """Give the command of a cluster DNS that tells who asked."""
    pods = small().networks.pods
    return [sys.executable, "-m", "nodens.lab.teller", ",".join(pods.all), *addresses]


def stand_in(*addresses: str) -> list[str]:
    """Give the command of a program that stands for node-cache on these addresses."""
    return [sys.executable, str(Path(__file__).with_name("node_cache.py")), *addresses]


class Program(Started):
    """A `node-cache` on the node, and what it has said so far."""

    def __init__(
        self,
        world: World,
        folder: Path,
        *flags: str,
        addresses: tuple[str, ...],
        upstream: str,
        corefile: str = COREFILE,
        around: tuple[str, ...] = (),
    ) -> None:
        """Start it, by the program `around` if there is one, which becomes it."""
        folder.mkdir(exist_ok=True)
        self.template = base = folder / "Corefile.base"
        base.write_text(corefile.replace("__PILLAR__UPSTREAM__", upstream))
        environment = {"PYTHONPATH": str(PACKAGE), "KUBE_DNS_SERVICE_HOST": BORROWED[0]}
        if more := os.environ.get("NODENS_TEST_ENVIRONMENT"):
            environment |= dict([more.split("=", 1)])
        command = (
            *around,
            *(sys.executable, "-m", "nodens.cli.node_cache", "-localip", ",".join(addresses)),
            *("-basecorefile", str(base), "-conf", str(folder / "Corefile"), "-kubednscm", str(folder / "none")),
            *flags,
        )
        order = programs.Order(name="node-cache", role="node cache", command=command, env=environment)
        super().__init__(world.host("node"), order, folder / "said")


Story = Account  # what became of every query, as tests have named it


class Load(Asking):
    """The world's pod that asks."""

    def __init__(self, world: World, address: str, rate: int) -> None:
        super().__init__(world.host("pod").command, address, rate)


ADDRESSES = (OWN[0], BORROWED[0])
BOTH_FAMILIES = (*OWN, *BORROWED)
