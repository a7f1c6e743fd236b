"""Figures as a table, as Markdown, as plain data. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from nodens.lab.lesson.figures import LOSS_PERCENT, QUERIES, RATE, Figures, Side, quantile

_SECOND_MS = 1000.0
_SHARES = (0.5, 0.9, 0.99, 0.999)


def spell_ms(time_ms: float) -> str:
    """Write a time with the unit that suits it."""
    if math.isnan(time_ms):
        return "-"
    if time_ms >= _SECOND_MS:
        return f"{time_ms / 1000:.2f} s"
    return f"{time_ms:.0f} ms" if time_ms >= 10 else f"{time_ms:.2f} ms"  # noqa: PLR2004 - two digits are enough


def rows(figures: Figures) -> Iterator[tuple[str, str, str]]:
    """Give the claims with their numbers: what, before, after."""
    one, two = figures.before, figures.after

    def both(what: str, spell: Any) -> tuple[str, str, str]:  # noqa: ANN401 - a function of a side
        return what, str(spell(one)), str(spell(two))

    yield both("latency of one name, median", lambda side: spell_ms(quantile(side.times_ms, 0.5)))
    yield both("latency of one name, p99", lambda side: spell_ms(quantile(side.times_ms, 0.99)))
    yield both(f"packets through the DNAT rule, {QUERIES:,} queries", lambda side: _count(side.dnat))
    yield both(f"conntrack entries, {QUERIES:,} queries", lambda side: _count(side.tracked))
    yield both("TCP connections kept to cluster DNS", lambda side: _count(side.tcp))
    yield both(
        f"p99.9 with {LOSS_PERCENT:g} % loss towards cluster DNS", lambda side: spell_ms(quantile(side.lossy_ms, 0.999))
    )
    yield both("the slowest of them", lambda side: spell_ms(quantile(side.lossy_ms, 1)))
    yield both("queries of a second and more", lambda side: _count(slow(side)))
    yield "p99.9 with loss, names not asked before", "-", spell_ms(quantile(figures.misses_ms, 0.999))
    yield "nodes with metrics of their own (:9253)", "0", str(figures.metrics_nodes)
    yield "second NXDOMAIN answered by the node", "no", "yes" if figures.denial_hits else "no"
    same = "the same, byte for byte" if one.resolv_conf == two.resolv_conf else "CHANGED"
    yield "the pod's /etc/resolv.conf", one.resolv_conf[:12], f"{two.resolv_conf[:12]}: {same}"


def slow(side: Side) -> int:
    """Count the queries under loss that took a second and more, or were never answered."""
    return sum(each >= _SECOND_MS for each in side.lossy_ms) + side.lossy_lost


def _count(number: int | None) -> str:
    """Write a count; a dash where nothing counts it."""
    return "not counted" if number is None else f"{number:,}"


def method(figures: Figures) -> str:
    """Say how it was measured."""
    return (
        f"nodens {figures.version}, {figures.date}, Linux {figures.kernel}, kube-proxy's mode {figures.proxy}. "
        f"Network namespaces on one machine: {QUERIES:,} queries at {RATE} a second from the pod dns-test, each from "
        "a port of its "
        f"own, sent again after 5 s as glibc does. Loss: {LOSS_PERCENT:g} % of the packets, UDP and TCP, that reach "
        "a cluster-DNS pod. Cluster DNS is a "
        "small program of the lab, without a network between: compare the shapes, not the microseconds."
    )


def render(figures: Figures) -> str:
    """Lay it out for a terminal."""
    table = [("", "before", "after"), *rows(figures)]
    widths = [max(len(row[place]) for row in table) for place in range(3)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    return "\n".join([*lines, "", method(figures), ""])


def render_markdown(figures: Figures) -> str:
    """Lay it out for a page."""
    lines = ["| | before | after |", "|---|---:|---:|"]
    lines += [f"| {what} | {one} | {two} |" for what, one, two in rows(figures)]
    return "\n".join([*lines, "", method(figures), ""])


def as_plain(figures: Figures) -> dict[str, Any]:
    """Give it to programs: numbers, and quantiles of the times."""
    return {
        "version": figures.version,
        "date": figures.date,
        "kernel": figures.kernel,
        "proxy": figures.proxy.value,
        "queries": QUERIES,
        "before": _side(figures.before),
        "after": _side(figures.after)
        | {
            "misses_with_loss_ms": _quantiles(figures.misses_ms),
            "metrics_nodes": figures.metrics_nodes,
            "denial_hits": figures.denial_hits,
        },
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "latency_ms": _quantiles(side.times_ms),
        "lost": side.lost,
        "dnat_packets": side.dnat,
        "conntrack_entries": side.tracked,
        "tcp_connections": side.tcp,
        "with_loss_ms": _quantiles(side.lossy_ms),
        "with_loss_lost": side.lossy_lost,
        "resolv_conf_sha256": side.resolv_conf,
    }


def _quantiles(times_ms: tuple[float, ...]) -> dict[str, float]:
    return {f"p{share * 100:g}": round(quantile(times_ms, share), 4) for share in (*_SHARES, 1.0)} if times_ms else {}
