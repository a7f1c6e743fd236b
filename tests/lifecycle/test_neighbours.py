"""Who serves beside us is followed: that somebody has gone is told once, and not of one that only blinked."""

from __future__ import annotations

import pytest

from nodens.errors import NetworkError
from nodens.lifecycle.neighbours import Neighbours


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        pytest.param(["", "", ""], [False, False, False], id="nobody"),
        pytest.param(["a", "a", "a"], [False, False, False], id="somebody who stays"),
        pytest.param(["a", "", "", ""], [False, False, True, False], id="gone, told once"),
        pytest.param(["a", "", "a", "a"], [False, False, False, False], id="it blinked"),
        pytest.param(["a", "b", "b", "b"], [False, False, True, False], id="another came in its place"),
        pytest.param(["ab", "b", "b", "", ""], [False, False, True, False, True], id="one after the other"),
        pytest.param(["", "a", "", ""], [False, False, False, True], id="came later"),
        pytest.param(["a", "?", "", ""], [False, False, False, True], id="unseen is not gone"),
    ],
)
def test_who_has_gone_is_told_once(seen: list[str], told: list[bool]) -> None:
    looks = iter(seen)

    def look() -> frozenset[str]:
        if (found := next(looks)) == "?":
            raise NetworkError("see who serves", "port 53", "hidden")
        return frozenset(found)

    neighbours = Neighbours(look)
    assert [neighbours.have_gone(neighbours.due_s) for _ in seen] == told


def test_nobody_is_asked_before_it_is_due_and_seldom_while_we_are_alone() -> None:
    asked = []

    def look() -> frozenset[str]:
        asked.append(1)
        return frozenset("a" if len(asked) == 2 else "")

    neighbours = Neighbours(look)
    neighbours.have_gone(0.0)
    assert neighbours.due_s == 5.0
    assert not neighbours.have_gone(4.9)
    assert len(asked) == 1
    neighbours.have_gone(5.0)
    assert neighbours.due_s == 6.0
    assert not neighbours.have_gone(6.0)
    assert neighbours.have_gone(6.5)
    assert neighbours.due_s == 11.5
