"""The real program on the small world's node, a pod's load, and figures of what became of each query."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from small_world import BORROWED, OWN, World

HERE = Path(__file__).parent
PACKAGE = HERE.parents[2] / "python"
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
        environment = {key: text for key, text in os.environ.items() if not key.endswith("_SERVICE_HOST")}
        if more := os.environ.get("NODENS_TEST_ENVIRONMENT"):
            environment |= dict([more.split("=", 1)])
        self._process = in_namespace(
            world.node,
            *around,
            *(sys.executable, "-m", "nodens.cli.node_cache", "-localip", ",".join(addresses)),
            *("-basecorefile", str(base), "-conf", str(folder / "Corefile"), "-kubednscm", str(folder / "none")),
            *flags,
            env=environment | {"PYTHONPATH": str(PACKAGE), "KUBE_DNS_SERVICE_HOST": BORROWED[0]},
        )
        self.pid = self._process.pid  # `ip netns exec` becomes the program
        self._said = b""
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        while piece := os.read(self._process.stdout.fileno(), 65536):
            with self._changed:
                self._said += piece
                self._changed.notify_all()

    @property
    def said(self) -> str:
        with self._changed:
            return self._said.decode()

    def until(self, pattern: str, times: int = 1) -> None:
        """Wait until something was said so many times."""

        def is_said() -> bool:
            return len(re.findall(pattern, self._said.decode(), re.MULTILINE)) >= times

        with self._changed:
            assert self._changed.wait_for(is_said, LIMIT_S), f"{pattern} in:\n{self._said.decode()}"

    def send(self, number: signal.Signals) -> float:
        """Send a signal; gives when."""
        self._process.send_signal(number)
        return time.monotonic()

    def wait(self) -> int:
        code = self._process.wait(LIMIT_S)
        self._reader.join(LIMIT_S)
        return code

    def until_stopped(self) -> float:
        """Wait until it stands still, by SIGSTOP; gives when."""
        end_s = time.monotonic() + LIMIT_S
        while Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2][0] != "T":
            assert time.monotonic() < end_s, self.said
            threading.Event().wait(0.02)
        return time.monotonic()

    def is_gone(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def close(self) -> None:
        if not self.is_gone():
            self._process.kill()
        self.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream
            stream.close()


@dataclass
class Story:
    """What became of every query: when it was sent, when answered, by whom."""

    rows: list[tuple[float, float | None, str]] = field(default_factory=list)

    @property
    def lost(self) -> list[tuple[float, float | None, str]]:
        return [row for row in self.rows if row[2] not in {"node", "cluster"}]

    def by(self, who: str, since: float = 0.0, until: float = float("inf")) -> int:
        return sum(1 for sent, _, by in self.rows if by == who and since <= sent < until)

    def first_by(self, who: str, since: float) -> float:
        """Seconds from a moment to the first answer of somebody to a query sent after it."""
        return next((at - since for sent, at, by in self.rows if by == who and sent >= since and at), float("inf"))

    @property
    def gap_ms(self) -> float:
        """The longest time during which no query that was sent got an answer."""
        longest, begun = 0.0, None
        for sent, _, by in self.rows:
            if by in {"node", "cluster"}:
                longest, begun = max(longest, sent - begun if begun else 0.0), None
            else:
                begun = begun or sent
        if begun:
            longest = max(longest, self.rows[-1][0] - begun)
        return longest * 1000

    def __str__(self) -> str:
        spent = self.rows[-1][0] - self.rows[0][0]
        return (
            f"{len(self.rows):,} queries at {len(self.rows) / spent:,.0f}/s: {self.by('node'):,} answered by the node, "
            f"{self.by('cluster'):,} by cluster DNS, {len(self.lost)} lost, longest gap {self.gap_ms:.0f} ms"
        )


class Load:
    """A pod that asks."""

    def __init__(self, world: World, address: str, rate: int) -> None:
        self._process = in_namespace(world.pod, sys.executable, str(HERE / "load.py"), address, str(rate))
        assert self._process.stdout
        assert self._process.stdout.readline() == b"ready\n"

    def end(self) -> Story:
        """Let the last answers come; give what became of all."""
        out, _ = self._process.communicate(timeout=LIMIT_S)
        return Story([(sent, at, who) for sent, at, who in json.loads(out)])

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


ADDRESSES = (OWN[0], BORROWED[0])
BOTH_FAMILIES = (*OWN, *BORROWED)
