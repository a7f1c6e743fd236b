"""Figures on paper: outcomes, tables, the picture, two states side by side. No world, no root."""

from __future__ import annotations

import math
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from nodens.lab import lesson
from nodens.lab.faults import answering, silent
from nodens.lab.lesson.asking import Asked, Asker, AskOrder
from nodens.lab.lesson.figures import Figures, Side, quantile
from nodens.lab.lesson.loads import Outcome
from nodens.lab.lesson.snapshot import Snapshot, beside
from nodens.lab.upstream import Upstream
from nodens.lab.world import ProxyMode
from nodens.lab.zone import Zone

ZONE = Zone(
    "cluster.local",
    "cluster.local. 30 SOA ns.cluster.local. x.cluster.local. 1 2 3 4 5\nweb.cluster.local. 30 A 10.96.1.1",
)


def asked(*times_s: float | None) -> tuple[Asked, ...]:
    return tuple(Asked(sent_s=place / 1000, took_s=took, rcode=0) for place, took in enumerate(times_s))


@pytest.mark.parametrize(
    ("times", "lost", "gap_ms"),
    [
        pytest.param((0.001, 0.002, 0.003), 0, 0.0, id="whole"),
        pytest.param((0.001, None, None, 0.001), 2, 2.0, id="a gap in the middle"),
        pytest.param((0.001, None, 0.001, None, None), 3, 1.0, id="a gap at the end, as long as it is seen"),
        pytest.param((None, None, None), 3, 2.0, id="silence"),
    ],
)
def test_lost_queries_and_the_longest_gap(times: tuple[float | None, ...], lost: int, gap_ms: float) -> None:
    outcome = Outcome(asked=asked(*times), by_cluster=0)
    assert outcome.lost == lost
    assert outcome.gap_ms == pytest.approx(gap_ms)


def test_an_outcome_is_told_in_three_lines() -> None:
    told = str(Outcome(asked=asked(*[0.001] * 1_000, None), by_cluster=400))
    assert told.splitlines()[0] == "1,001 queries: 1,000 answered, 1 lost; longest gap 0 ms"
    assert told.splitlines()[1] == "answered: 600 by the node's cache, 400 by cluster DNS"


def test_quantiles_of_nothing_are_no_number() -> None:
    assert math.isnan(quantile((), 0.5))
    assert quantile((1.0, 2.0, 3.0, 4.0), 0.5) == 3.0
    assert quantile((1.0, 2.0), 1.0) == 2.0


def test_the_asker_counts_answers_and_rcodes() -> None:
    with Upstream(answering(ZONE)) as upstream:
        order = AskOrder(
            server="127.0.0.1",
            port=upstream.address[1],
            names=("web.cluster.local", "no.cluster.local"),
            rate=500,
            count=20,
        )
        told = Asker(order).run(lambda: False)
    assert [each.rcode for each in told] == [0, 3] * 10
    assert all(each.took_s is not None for each in told)


def test_the_asker_asks_two_servers_in_turn() -> None:
    """One answers, the other is silent: every second query is lost."""
    with Upstream(answering(ZONE)) as one, Upstream(silent, host="127.0.0.2", port=one.address[1]) as two:
        order = AskOrder(
            server="127.0.0.1",
            other="127.0.0.2",
            port=one.address[1],
            names=("web.cluster.local",),
            rate=500,
            count=6,
            patience_s=0.1,
        )
        told = Asker(order).run(lambda: False)
        assert (len(one.log), len(two.log)) == (3, 3)
    assert [each.took_s is None for each in told] == [False, True] * 3


def test_the_asker_asks_again_and_then_gives_up() -> None:
    with Upstream(silent) as upstream:
        order = AskOrder(
            server="127.0.0.1",
            port=upstream.address[1],
            names=("web.cluster.local",),
            rate=100,
            count=2,
            patience_s=0.05,
            attempts=3,
        )
        told = Asker(order).run(lambda: False)
        assert len(upstream.log) == 6
    assert [each.took_s for each in told] == [None, None]


def test_the_asker_ends_when_it_is_enough() -> None:
    with Upstream(answering(ZONE)) as upstream:
        looks = iter([False] * 5)
        order = AskOrder(
            server="127.0.0.1", port=upstream.address[1], names=("web.cluster.local",), rate=10, count=1_000
        )
        told = Asker(order).run(lambda: next(looks, True))
    assert 0 < len(told) < 10


SIDE = Side(
    times_ms=tuple(0.4 + place / 500 for place in range(1_000)),
    lost=0,
    dnat=1_000,
    tracked=1_000,
    tcp=0,
    lossy_ms=(*(0.5 + place / 400 for place in range(990)), *[5_000.0] * 10),
    lossy_lost=2,
    resolv_conf="ab" * 32,
)
FIGURES = Figures(
    before=SIDE,
    after=replace(SIDE, times_ms=tuple(0.1 + place / 5_000 for place in range(1_000)), dnat=0, tracked=0, tcp=2),
    misses_ms=tuple(0.5 + place / 5 for place in range(1_000)),
    metrics_nodes=3,
    denial_hits=1,
    proxy=ProxyMode.IPTABLES,
    kernel="6.1.0",
    version="0.1.0",
    date="2026-11-22",
)


def test_the_picture_is_well_formed_and_says_its_numbers() -> None:
    drawn = ET.fromstring(lesson.picture.draw(FIGURES))  # noqa: S314 - our own text
    texts = ["".join(each.itertext()) for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert "before: p99.9 5.00 s" in texts
    assert "1,000 then 0" in texts
    assert any(text.startswith("median 1.40 ms") for text in texts)
    assert "prefers-color-scheme: dark" in lesson.picture.draw(FIGURES)
    points = [each.get("points", "") for each in drawn.iter("{http://www.w3.org/2000/svg}polyline")]
    assert len(points) == 5
    assert all("nan" not in each for each in points)


def test_the_picture_bears_a_run_without_an_answer() -> None:
    nothing = replace(SIDE, times_ms=(), lossy_ms=(), dnat=None)
    ET.fromstring(lesson.picture.draw(replace(FIGURES, before=nothing)))  # noqa: S314 - our own text


def test_a_table_tells_what_was_not_counted_and_what_changed() -> None:
    changed = replace(FIGURES.after, resolv_conf="cd" * 32, dnat=None)
    told = lesson.figures_text.render(replace(FIGURES, after=changed))
    assert "not counted" in told
    assert "CHANGED" in told
    assert "the same, byte for byte" in lesson.figures_text.render(FIGURES)
    assert "| queries of a second and more | 12 | 12 |" in lesson.figures_text.render_markdown(FIGURES)
    assert lesson.figures_text.as_plain(FIGURES)["after"]["dnat_packets"] == 0


@pytest.mark.parametrize(
    ("time_ms", "spelled"),
    [(0.123, "0.12 ms"), (12.3, "12 ms"), (5_000.0, "5.00 s"), (float("nan"), "-")],
    ids=["a part of one", "some", "seconds", "none"],
)
def test_times_have_the_unit_that_suits_them(time_ms: float, spelled: str) -> None:
    assert lesson.figures_text.spell_ms(time_ms) == spelled


def test_two_states_stand_side_by_side_and_what_differs_is_marked() -> None:
    before = Snapshot(parts=(("resolv.conf", ("nameserver 10.96.0.10",)), ("link", ())))
    after = Snapshot(parts=(("resolv.conf", ("nameserver 10.96.0.10",)), ("link", ("nodelocaldns: " + "x " * 40,))))
    laid = beside(before, after, 81, lambda line: f">{line}").splitlines()
    assert laid[2] == "== resolv.conf (the same)"
    assert laid[4] == "== link"
    assert laid[5].startswith(">(nothing)")
    assert all(len(line) <= 82 for line in laid)
    assert len(laid) > 6
