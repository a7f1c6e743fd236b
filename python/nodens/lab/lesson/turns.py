"""Two ways to the same answer, asked in turn: what else the machine does meets both, so that they can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from nodens.lab.lesson import loads
from nodens.lab.lesson.asking import Asked, AskOrder
from nodens.lab.lesson.chapters.words import NAME, SERVER
from nodens.lab.world import World

TURNS: Final = 7
QUERIES: Final = 100  # of each way in each turn; half a second
_RATE: Final = 400
_DOUBT: Final = 1  # so many turns may fall to the slower one; a coin would do it in one run of eight


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The median of each way, in one turn."""

    cluster_ms: float
    cache_ms: float


def take(world: World) -> tuple[Turn, ...]:
    """Ask cluster DNS by its second Service, which kube-proxy translates as before, and the cache, query by query."""
    upstream = world.topology.service("kube-dns-upstream").address.v4
    count = 2 * QUERIES * TURNS
    told = loads.ask(world, AskOrder(server=upstream, other=SERVER, names=(NAME,), rate=_RATE, count=count)).asked
    return tuple(
        Turn(
            cluster_ms=_median_ms(told[at : at + 2 * QUERIES : 2]),
            cache_ms=_median_ms(told[at + 1 : at + 2 * QUERIES : 2]),
        )
        for at in range(0, count, 2 * QUERIES)
    )


def _median_ms(asked: Sequence[Asked]) -> float:
    """Give the median of the queries that were answered."""
    return median([each.took_s * 1000 for each in asked if each.took_s is not None] or [float("nan")])


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
