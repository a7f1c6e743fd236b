"""How soon what was taken is put back: at once, then slower, and at once again when peace has come."""

from __future__ import annotations

from itertools import pairwise

import pytest

from nodens.lifecycle.pace import CONTESTED, FIRST_GAP_S, Pace


def times_of(period_s: float, until_s: float, limit_s: float = 30.0) -> list[tuple[float, float]]:
    """Let somebody take it so long after it was put back, again and again: when it was taken, when put back."""
    pace = Pace(limit_s=limit_s)
    told, taken_s = [], 0.0
    while taken_s < until_s:
        pace.is_touched = True
        due_s = pace.due_s()
        assert due_s is not None
        at_s = max(taken_s, due_s)
        pace.put_back(at_s)
        told.append((taken_s, at_s))
        taken_s = at_s + period_s
    return told


def test_one_who_takes_it_all_the_time_is_answered_more_and_more_slowly() -> None:
    times = [at_s for _, at_s in times_of(0.01, 120)]
    gaps = [round(after - before, 2) for before, after in pairwise(times)]
    assert gaps[:8] == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0]
    assert len(times) < 15  # it was four a second, for ever


def test_the_bound_is_the_kinds_own() -> None:
    times = [at_s for _, at_s in times_of(0.01, 20, limit_s=1.0)]
    assert max(after - before for before, after in pairwise(times)) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("period_s", "latest_s"),
    [
        pytest.param(60.0, 0.0, id="once a minute is nobody who fights us"),
        pytest.param(11.0, 0.0, id="nor is every eleven seconds"),
        pytest.param(5.0, 25.0, id="every five seconds is"),
    ],
)
def test_what_counts_as_a_fight(period_s: float, latest_s: float) -> None:
    assert max(at_s - taken_s for taken_s, at_s in times_of(period_s, 200)) == pytest.approx(latest_s)


def test_after_peace_it_is_put_back_at_once_again() -> None:
    pace = Pace(limit_s=30.0)
    for number in range(CONTESTED + 2):
        pace.put_back(float(number))
    assert pace.is_contested
    gap_s = pace.gap_s
    pace.found_whole(CONTESTED + 3.0)
    assert pace.gap_s == gap_s
    pace.found_whole(200.0)
    assert (pace.gap_s, pace.is_contested) == (FIRST_GAP_S, False)


def test_what_cannot_be_done_is_tried_again_and_later_each_time() -> None:
    pace = Pace(limit_s=1.0)
    pace.failed(0.0)
    assert pace.due_s() == 0.5
    pace.failed(0.5)
    pace.failed(1.5)
    assert pace.due_s() == 2.5
    pace.found_whole(2.5)
    assert pace.due_s() is None
