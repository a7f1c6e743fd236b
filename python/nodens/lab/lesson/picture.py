"""Figures as a picture: SVG of our own, for light and dark pages. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from nodens.lab.lesson.figures import LOSS_PERCENT, QUERIES, Figures, quantile
from nodens.lab.lesson.figures_text import slow, spell_ms

_WIDTH, _HEIGHT = 880, 806
_LEFT, _RIGHT = 64, 816  # of both plots
_STYLE: Final = """
.page { fill: #ffffff; stroke: #d0d7de }
text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328; font-size: 13px }
.title { font-size: 21px; font-weight: 600 }
.head { font-size: 15px; font-weight: 600 }
.soft { fill: #59636e; font-size: 12px }
.big { font-size: 25px; font-weight: 600 }
.grid { stroke: #d0d7de; stroke-width: 1 }
.before { fill: #c2540a } .after { fill: #0b62c4 } .misses { fill: #7a3fb0 }
text.before, text.after, text.misses { paint-order: stroke; stroke: #ffffff; stroke-width: 4px; stroke-linejoin: round }
.area-before { fill: #e8853a; fill-opacity: .55 } .area-after { fill: #3b8eea; fill-opacity: .55 }
.line { fill: none; stroke-width: 2.5; stroke-linejoin: round }
.line-before { stroke: #d9650f } .line-after { stroke: #1f78dd } .line-misses { stroke: #8e52c7; stroke-dasharray: 6 4 }
.tile { fill: #f6f8fa; stroke: #d0d7de }
@media (prefers-color-scheme: dark) {
 .page { fill: #0d1117; stroke: #3d444d } text { fill: #f0f6fc } .soft { fill: #9198a1 } .grid { stroke: #3d444d }
 text.before, text.after, text.misses { stroke: #0d1117 }
 .tile { fill: #151b23; stroke: #3d444d } .before { fill: #f0984f } .after { fill: #6cb2ff } .misses { fill: #c297f0 }
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _LogAxis:
    """Milliseconds on a logarithmic axis, between two pixels."""

    low_ms: float
    high_ms: float
    first: float
    last: float

    def at(self, ms: float) -> float:
        """Give the pixel of a time; what lies outside is put on the edge."""
        inside = min(max(ms, self.low_ms), self.high_ms)
        share = math.log(inside / self.low_ms) / math.log(self.high_ms / self.low_ms)
        return self.first + share * (self.last - self.first)

    @property
    def ticks(self) -> list[float]:
        """Give the powers of ten on it."""
        first, last = math.ceil(math.log10(self.low_ms) - 1e-9), math.floor(math.log10(self.high_ms) + 1e-9)
        return [10.0**power for power in range(first, last + 1)]


def draw(figures: Figures) -> str:
    """Draw all: latencies, the tail under loss, what the node no longer does."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        f"<title>{escape(_summary(figures))}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="page" x=".5" y=".5" width="{_WIDTH - 1}" height="{_HEIGHT - 1}" rx="10"/>',
        _text(32, 44, "What a cache on the node changes for a pod", "title"),
        _text(32, 66, f"{QUERIES:,} queries each, before and after nodens is installed, one run", "soft"),
        *_legend(),
        *_latencies(figures),
        *_tail(figures),
        *_tiles(figures),
        *_method(figures),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _summary(figures: Figures) -> str:
    """Say it in a sentence, for those who do not see it."""
    one, two = (quantile(side.times_ms, 0.5) for side in (figures.before, figures.after))
    return f"Latency before and after a node cache: median {spell_ms(one)}, then {spell_ms(two)}"


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'


def _legend() -> Iterator[str]:
    """Name the two colours once for all."""
    for x, kind, word in ((690, "before", "before"), (772, "after", "after")):
        yield f'<rect class="{kind}" x="{x}" y="33" width="12" height="12" rx="2"/>'
        yield _text(x + 18, 44, word, kind)


# ------------ Latencies of one name ------------


def _latencies(figures: Figures) -> Iterator[str]:
    """Two hills on one logarithmic axis."""
    top, foot = 116, 262
    sides = (("before", figures.before.times_ms), ("after", figures.after.times_ms))
    every = [ms for _, times in sides for ms in times] or [1.0]
    axis = _LogAxis(
        low_ms=_below(min(every)), high_ms=_above(quantile(tuple(sorted(every)), 0.998)), first=_LEFT, last=_RIGHT
    )
    yield _text(32, 98, "Latency of one name", "head")
    for ms in axis.ticks:
        yield f'<line class="grid" x1="{axis.at(ms):.1f}" x2="{axis.at(ms):.1f}" y1="{top}" y2="{foot}"/>'
        yield _text(axis.at(ms), foot + 18, _spell_tick(ms), "soft", "middle")
    hills = {side: _hill(times, axis) for side, times in sides}
    highest = max(max(hill) for hill in hills.values()) or 1.0
    for place, (side, times) in enumerate(sides):
        step = (_RIGHT - _LEFT) / (len(hills[side]) - 1)
        points = [
            (_LEFT + step * at, foot - (foot - top - 26) * height / highest) for at, height in enumerate(hills[side])
        ]
        yield f'<polygon class="area-{side}" points="{_LEFT},{foot} {_points(points)} {_RIGHT},{foot}"/>'
        yield f'<polyline class="line line-{side}" points="{_points(points)}"/>'
        middle = axis.at(quantile(times, 0.5))
        says = f"median {spell_ms(quantile(times, 0.5))}, p99 {spell_ms(quantile(times, 0.99))}"
        anchor = "start" if middle < (_LEFT + _RIGHT) / 2 else "end"
        yield _text(middle + (8 if anchor == "start" else -8), top + 14 + 18 * (1 - place), says, side, anchor)
    yield f'<line class="grid" x1="{_LEFT}" x2="{_RIGHT}" y1="{foot}" y2="{foot}"/>'


def _hill(times: Sequence[float], axis: _LogAxis, bins: int = 120) -> list[float]:
    """Count times in bins of the axis, smoothed a little so that it reads as one shape."""
    counts = [0.0] * bins
    for ms in times:
        share = (axis.at(ms) - axis.first) / (axis.last - axis.first)
        counts[min(bins - 1, int(share * bins))] += 1
    weights = (1, 2, 3, 2, 1)
    padded = [0.0, 0.0, *counts, 0.0, 0.0]
    return [sum(weight * padded[at + shift] for shift, weight in enumerate(weights)) / 9 for at in range(bins)]


# ------------ The tail ------------


def _tail(figures: Figures) -> Iterator[str]:
    """Percentiles on an axis of nines: what one query in ten, in a hundred, in a thousand has to wait."""
    top, foot = 346, 552
    lines = (
        ("before", figures.before.lossy_ms, "line-before"),
        ("after", figures.after.lossy_ms, "line-after"),
        ("misses", figures.misses_ms, "line-misses"),
    )
    every = [ms for _, times, _ in lines for ms in times] or [1.0]
    axis = _LogAxis(low_ms=_below(min(every)), high_ms=_above(max(every)), first=foot, last=top)
    yield _text(32, 318, f"The tail, while {LOSS_PERCENT:g} % of the packets towards cluster DNS are lost", "head")
    for ms in axis.ticks:
        yield f'<line class="grid" x1="{_LEFT}" x2="{_RIGHT}" y1="{axis.at(ms):.1f}" y2="{axis.at(ms):.1f}"/>'
        yield _text(_LEFT - 8, axis.at(ms) + 4, _spell_tick(ms), "soft", "end")
    for share, says in (
        (0.0, "fastest"),
        (0.5, "median"),
        (0.9, "90 %"),
        (0.99, "99 %"),
        (0.999, "99.9 %"),
        (1.0, "slowest"),
    ):
        yield _text(_nines(share), foot + 18, says, "soft", "middle")
    ends: list[float] = []
    for side, times, kind in lines:
        if times:
            points = [(_nines(at / len(times)), axis.at(ms)) for at, ms in enumerate(times)]
            points.append((_nines(1.0), axis.at(times[-1])))
            yield f'<polyline class="line {kind}" points="{_points(_thinned(points))}"/>'
            y = _apart(axis.at(times[-1]) - 9, ends)
            ends.append(y)
            word = {"misses": "after, names not asked before: "}.get(side, f"{side}: ")
            yield _text(_nines(1.0), y, f"{word}p99.9 {spell_ms(quantile(times, 0.999))}", side, "end")


def _nines(share: float) -> float:
    """Give the pixel of a percentile: each nine is as wide as the one before; the slowest stands past 99.9 %."""
    nines = 3.4 if share >= 1 else min(3.4, -math.log10(1 - share))
    return _LEFT + 24 + nines / 3.4 * (_RIGHT - _LEFT - 48)


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Leave out points that fall on the pixel of the one before."""
    kept = [points[0]]
    for x, y in points[1:]:
        if abs(x - kept[-1][0]) >= 0.7 or abs(y - kept[-1][1]) >= 0.7:  # noqa: PLR2004 - less than a pixel
            kept.append((x, y))
    return kept


def _apart(y: float, taken: Sequence[float]) -> float:
    """Move a label up until it covers none that is there."""
    while any(abs(y - other) < 17 for other in taken):  # noqa: PLR2004 - a line of text
        y -= 17
    return y


# ------------ What the node no longer does ------------


def _tiles(figures: Figures) -> Iterator[str]:
    """Four counts, before and after."""
    one, two = figures.before, figures.after
    tiles = (
        ("packets through DNAT", _spell(one.dnat), _spell(two.dnat)),
        ("conntrack entries", _spell(one.tracked), _spell(two.tracked)),
        ("TCP to cluster DNS", _spell(one.tcp), _spell(two.tcp)),
        ("waits of 1 s and more", _spell(slow(one)), _spell(slow(two))),
    )
    width = 194
    for place, (says, before, after) in enumerate(tiles):
        x = 32 + place * (width + 13)
        yield f'<rect class="tile" x="{x}" y="598" width="{width}" height="92" rx="8"/>'
        yield _text(x + 14, 624, says, "soft")
        yield (
            f'<text x="{x + 14}" y="664"><tspan class="big before">{before}</tspan>'
            '<tspan class="soft" dx="9"> then </tspan>'
            f'<tspan class="big after" dx="9">{after}</tspan></text>'
        )


def _spell(number: int | None) -> str:
    return "n/a" if number is None else f"{number:,}"


def _method(figures: Figures) -> Iterator[str]:
    """Say how it was measured, in four short lines."""
    where = f"nodens {figures.version}, {figures.date}, Linux {figures.kernel}, kube-proxy in {figures.proxy} mode"
    seen = f"metrics on {figures.metrics_nodes} of 3 nodes; the second NXDOMAIN is a hit of the cache."
    lines = (
        f"{where}. Network namespaces on one machine",
        "with no network between: compare the shapes, not the microseconds. Each query comes from a port of its own,",
        "and is sent again after 5 s, as glibc does. Tiles: two for the upper plot's queries, one for the lower's.",
        f"The pod's /etc/resolv.conf stays byte for byte; {seen}",
    )
    for place, line in enumerate(lines):
        yield _text(32, 720 + 19 * place, line, "soft")


# ------------ Small things ------------


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _below(ms: float) -> float:
    """Give the half decade below a time."""
    return float(10.0 ** (math.floor(math.log10(ms) * 2) / 2))


def _above(ms: float) -> float:
    """Give the half decade above a time."""
    return float(10.0 ** (math.ceil(math.log10(ms) * 2) / 2))


def _spell_tick(ms: float) -> str:
    """Write a power of ten with the unit that suits it."""
    if ms < 1:
        return f"{ms * 1000:.0f} µs"
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.0f} s"  # noqa: PLR2004 - a second
