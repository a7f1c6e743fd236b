"""A beat is earned by workers that turn; one that hangs, or was not seen to turn yet, earns none."""

from __future__ import annotations

import pytest

from nodens.lifecycle.heart import STILL_LIMIT_S, Heart

Look = tuple[float, tuple[int, ...]]


@pytest.mark.parametrize(
    ("looks", "has_earned", "stuck"),
    [
        pytest.param([(0.0, (1, 1))], False, (), id="seen once"),
        pytest.param([(0.0, (1, 1)), (0.5, (2, 2))], True, (), id="all move"),
        pytest.param([(0.0, (1, 1)), (0.5, (2, 1))], False, (), id="one not seen to move yet"),
        pytest.param([(0.0, (1, 1)), (0.5, (2, 2)), (1.0, (3, 2)), (1.9, (4, 2))], True, (), id="one is slow"),
        pytest.param([(0.0, (1, 1)), (0.5, (2, 2)), (1.0, (3, 2)), (2.1, (4, 2))], False, (1,), id="one hangs"),
        pytest.param([(0.0, (1, 1)), (STILL_LIMIT_S + 0.1, (1, 1))], False, (0, 1), id="all hang from the start"),
        pytest.param([(0.0, (1, 1)), (3.0, (1, 1)), (3.5, (2, 2))], True, (), id="all move again"),
        pytest.param([(0.0, (1,)), (0.5, (2, 2))], False, (), id="another number of workers"),
        pytest.param([(0.0, ())], False, (), id="no workers"),
    ],
)
def test_a_beat_is_earned_by_every_worker(looks: list[Look], has_earned: bool, stuck: tuple[int, ...]) -> None:  # noqa: FBT001 - a row's value
    (first_s, turns), *rest = looks
    heart = Heart.first(turns, first_s)
    for now_s, turns_then in rest:
        heart = heart.felt(turns_then, now_s)
    assert heart.has_earned(looks[-1][0]) is has_earned
    assert heart.stuck(looks[-1][0]) == stuck
