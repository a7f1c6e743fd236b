"""Alive, ready, and why not."""

from __future__ import annotations

import pytest

from nodens.observe import Pulse, Status, Verdict, alive, ready


@pytest.mark.parametrize(
    ("status", "health", "readiness"),
    [
        pytest.param(Status(), Verdict(code=200, body="OK"), Verdict(code=200, body="OK"), id="well"),
        pytest.param(
            Status(unready=("starting",)),
            Verdict(code=200, body="OK"),
            Verdict(code=503, body="starting"),
            id="starting",
        ),
        pytest.param(
            Status(unready=("a", "b"), unwell=("c",)),
            Verdict(code=503, body="c"),
            Verdict(code=503, body="a, b, c"),
            id="unwell is unready too",
        ),
    ],
)
def test_probes_are_answered_with_the_reason(status: Status, health: Verdict, readiness: Verdict) -> None:
    assert alive(status) == health
    assert ready(status) == readiness


def test_a_worker_that_stands_still_is_named_and_the_others_are_not() -> None:
    pulse = Pulse().felt((5, 5), now_s=0.0).felt((6, 5), now_s=8.0).felt((7, 5), now_s=11.0)
    assert pulse.complaints(now_s=9.9) == ()
    assert pulse.complaints(now_s=11.0) == ("worker 1 has not turned for 11 s",)


def test_a_changed_number_of_workers_starts_the_watch_anew() -> None:
    pulse = Pulse().felt((5,), now_s=0.0).felt((5, 5), now_s=20.0)
    assert pulse.complaints(now_s=20.0) == ()
