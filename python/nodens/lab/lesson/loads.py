"""Load from a pod, and what came of it: counts, the longest gap, latencies; and who answered, told by conntrack."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Final

from nodens.errors import LabError
from nodens.lab.lesson.asking import SECONDS_LIMIT, Asked, AskOrder
from nodens.lab.world import DNS_TEST, World

_ANSWER_S: Final = 30.0  # more than any order lasts after its last query
NAMES: Final = tuple(
    f"{name}.svc.cluster.local"
    for name in ("kubernetes.default", "kube-dns.kube-system", "web.shop", "api.shop", "db.shop", "metrics.ops")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of all queries of a load."""

    asked: tuple[Asked, ...]
    by_cluster: int  # those that went to cluster DNS by way of kube-proxy

    @property
    def lost(self) -> int:
        """Count those without an answer."""
        return sum(each.took_s is None for each in self.asked)

    @property
    def times_ms(self) -> list[float]:
        """Give how long each answer took, sorted."""
        return sorted(each.took_s * 1000 for each in self.asked if each.took_s is not None)

    def quantile_ms(self, share: float) -> float:
        """Give the time that so large a share of the answers did not exceed."""
        times = self.times_ms
        return times[min(len(times) - 1, int(share * len(times)))] if times else float("nan")

    @property
    def gap_ms(self) -> float:
        """Give the longest time in which no query that was sent got an answer."""
        longest = 0.0
        begun: float | None = None
        for each in self.asked:
            if each.took_s is not None:
                longest, begun = max(longest, each.sent_s - begun if begun is not None else 0.0), None
            elif begun is None:
                begun = each.sent_s
        if begun is not None:
            longest = max(longest, self.asked[-1].sent_s - begun)
        return longest * 1000

    def __str__(self) -> str:
        """Tell it in three lines."""
        answered = len(self.asked) - self.lost
        by_node = max(0, answered - self.by_cluster)
        return (
            f"{len(self.asked):,} queries: {answered:,} answered, {self.lost:,} lost; longest gap {self.gap_ms:,.0f} "
            "ms\n"
            f"answered: {by_node:,} by the node's cache, {min(answered, self.by_cluster):,} by cluster DNS\n"
            f"latency: median {self.quantile_ms(0.5):.2f} ms, p99 {self.quantile_ms(0.99):.2f} ms"
        )


class Load:
    """A load that runs."""

    def __init__(self, world: World, process: subprocess.Popen[str]) -> None:
        """Take what was started."""
        self._world = world
        self._process = process

    def stop(self) -> None:
        """Let it ask no more; it ends by itself when all is asked."""
        assert self._process.stdin  # noqa: S101 - it was asked for
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write("enough\n")
            self._process.stdin.flush()

    def end(self) -> Outcome:
        """Wait for the last answers."""
        try:
            out, _ = self._process.communicate(timeout=_ANSWER_S + SECONDS_LIMIT)
        except subprocess.TimeoutExpired as error:
            raise LabError("load: no end") from error
        if self._process.returncode:
            raise LabError(f"load: the asker ended with {self._process.returncode}")
        rows = json.loads(out)
        asked = tuple(Asked(sent_s=sent_s, took_s=took_s, rcode=rcode) for sent_s, took_s, rcode in rows)
        return Outcome(asked=asked, by_cluster=tracked(self._world))


@contextmanager
def load(world: World, order: AskOrder) -> Iterator[Load]:
    """Begin to ask from `dns-test`; whatever happens, it ends with the block."""
    forget(world)
    words = world.room(DNS_TEST).command(sys.executable, "-P", "-m", "nodens.lab.lesson.asker")
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin  # noqa: S101 - it was asked for
        assert process.stdout  # noqa: S101 - the same
        try:
            process.stdin.write(json.dumps(asdict(order)) + "\n")
            process.stdin.flush()
            if process.stdout.readline() != "ready\n":
                raise LabError("load: the asker did not begin")
            yield Load(world, process)
        finally:
            if process.poll() is None:
                process.kill()


def ask(world: World, order: AskOrder) -> Outcome:
    """Ask, and wait for the end."""
    with load(world, order) as running:
        return running.end()


def order_of(rate: int, seconds: float, names: Sequence[str] = NAMES, server: str = "10.96.0.10") -> AskOrder:
    """Spell an ordinary order."""
    return AskOrder(server=server, names=tuple(names), rate=rate, count=int(rate * seconds))


def tracked(world: World) -> int:
    """Count the node's conntrack entries of queries to 10.96.0.10: each that kube-proxy translated has one for 30 s."""
    node = world.topology.pod(DNS_TEST).node
    text = world.run(node, "conntrack", "-L", "-p", "udp", "--orig-dst", "10.96.0.10", check=False).stdout
    return sum(" dport=53 " in line for line in text.splitlines())


def forget(world: World) -> None:
    """Forget the entries that are there."""
    node = world.topology.pod(DNS_TEST).node
    world.run(node, "conntrack", "-D", "-p", "udp", "--orig-dst", "10.96.0.10", check=False)
