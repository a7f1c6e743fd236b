"""Two ways to the same answer, asked in turn: what else the machine does meets both, so that they can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from nodens.lab.lesson import loads
from nodens.lab.lesson.asking import AskOrder
from nodens.lab.lesson.chapters.words import NAME, SERVER
from nodens.lab.world import World

TURNS: Final = 7
QUERIES: Final = 100  # of each way in each turn; a quarter of a second
_RATE: Final = 400
_DOUBT: Final = 1  # so many turns may fall to the slower one; a coin would do it in one run of eight


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The median of each way, in one turn."""

    cluster_ms: float
    cache_ms: float


def take(world: World) -> tuple[Turn, ...]:
    """Ask cluster DNS by its second Service, which kube-proxy translates as before, and the cache; again and again."""
    upstream = world.topology.service("kube-dns-upstream").address.v4
    return tuple(Turn(cluster_ms=_ask(world, upstream), cache_ms=_ask(world, SERVER)) for _ in range(TURNS))


def _ask(world: World, server: str) -> float:
    """Give the median of some queries."""
    order = AskOrder(server=server, names=(NAME,), rate=_RATE, count=QUERIES)
    return loads.ask(world, order).quantile_ms(0.5)


def render(turns: Sequence[Turn]) -> str:
    """Say which was faster, or that it cannot be told."""
    faster = sum(turn.cache_ms < turn.cluster_ms for turn in turns)
    told = f"the cache was faster in {faster} of {len(turns)} turns"
    if faster < len(turns) - _DOUBT and faster > _DOUBT:
        told += ": too close to tell them apart, on a machine as busy as this one is now"
    return (
        f"== in turn, in one minute: {len(turns)} times {QUERIES} queries each way\n"
        f"by kube-dns-upstream, translated as before: {_spell([turn.cluster_ms for turn in turns])}\n"
        f"by the cache:                               {_spell([turn.cache_ms for turn in turns])}\n"
        f"{told}\n"
    )


def _spell(medians_ms: list[float]) -> str:
    return f"median {median(medians_ms):.2f} ms ({min(medians_ms):.2f} to {max(medians_ms):.2f})"
