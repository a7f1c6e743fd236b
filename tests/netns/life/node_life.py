"""The real program on the small world's node, and what it says; a pod's load. The rooms are the lab's."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from threading import Event

from small_world import BORROWED, OWN, PACKAGE, World

from nodens.errors import LabError
from nodens.lab.account import Account, Asking
from nodens.lab.world import programs
from nodens.lab.world.small import small

LIMIT_S = 15.0
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


class Program:
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
        order = programs.Order(
            name="node-cache",
            role="node cache",
            command=command,
            env=environment,
        )
        self._program = programs.start(world.host("node"), order, folder / "said")
        self.pid = self._program.pid  # `ip netns exec` becomes the program

    @property
    def said(self) -> str:
        return programs.said(self._program)

    def until(self, pattern: str, times: int = 1) -> None:
        """Wait until something was said so many times."""

        def is_said() -> bool:
            return len(re.findall(pattern, self.said, re.MULTILINE)) >= times

        try:
            programs.wait_until(is_said, LIMIT_S, pattern)
        except LabError as error:
            raise AssertionError(f"{pattern} in:\n{self.said}") from error

    def send(self, number: signal.Signals) -> float:
        """Send a signal; gives when."""
        programs.send(self._program, number)
        return time.monotonic()

    def wait(self) -> int:
        programs.wait_until(self.is_gone, LIMIT_S, f"pid {self.pid} to end")
        code = programs.exit_code(self._program)
        assert code is not None
        return code

    def until_stopped(self) -> float:
        """Wait until it stands still, by SIGSTOP; gives when."""
        end_s = time.monotonic() + LIMIT_S
        while Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2][0] != "T":
            assert time.monotonic() < end_s, self.said
            Event().wait(0.02)
        return time.monotonic()

    def is_gone(self) -> bool:
        """Whether it has ended."""
        return programs.exit_code(self._program) is not None

    def close(self) -> None:
        programs.send(self._program, signal.SIGKILL)
        self.wait()


Story = Account  # what became of every query, as tests have named it


class Load(Asking):
    """The world's pod that asks."""

    def __init__(self, world: World, address: str, rate: int) -> None:
        super().__init__(world.host("pod").command, address, rate)


ADDRESSES = (OWN[0], BORROWED[0])
BOTH_FAMILIES = (*OWN, *BORROWED)
