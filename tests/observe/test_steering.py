"""What the numbers say of steering: pointed here, or exactly one reason why not."""

from __future__ import annotations

import pytest

from nodens.observe import (
    Numbers,
    Outcome,
    Role,
    Withheld,
    begin_steering,
    render,
    tell_handover,
    tell_let_go,
    tell_steering,
)


def reasons(numbers: Numbers) -> dict[str, str]:
    """The lines of the reasons that are told, by reason."""
    lines = [line for line in render(numbers.samples()).splitlines() if line.startswith("nodens_steering_withheld{")]
    return {line.split('"')[1]: line.rpartition(" ")[2] for line in lines}


def test_every_reason_is_there_from_the_first_moment_and_one_holds() -> None:
    numbers = Numbers()
    begin_steering(numbers)
    assert reasons(numbers) == {reason.value: str(int(reason is Withheld.STARTING)) for reason in Withheld}
    text = render(numbers.samples())
    assert "nodens_steered 0\n" in text
    assert 'nodens_steering_let_go_total{reason="deaf"} 0\n' in text
    assert 'nodens_steering_let_go_total{reason="workers"} 0\n' in text
    assert 'nodens_steering_let_go_total{reason="frozen"} 0\n' in text
    assert text.count("\nnodens_handovers_total{") == 6


def test_what_became_of_a_hand_over_is_counted_by_side() -> None:
    numbers = Numbers()
    begin_steering(numbers)
    tell_handover(numbers, Role.TAKEN, Outcome.DONE)
    tell_handover(numbers, Role.GIVEN, Outcome.FAILED)
    text = render(numbers.samples())
    assert 'nodens_handovers_total{outcome="done",role="taken"} 1\n' in text
    assert 'nodens_handovers_total{outcome="failed",role="given"} 1\n' in text
    assert 'nodens_handovers_total{outcome="done",role="given"} 0\n' in text


@pytest.mark.parametrize("why_not", [None, *Withheld], ids=str)
def test_steered_or_one_reason_never_both_nor_neither(why_not: Withheld | None) -> None:
    numbers = Numbers()
    begin_steering(numbers)
    tell_steering(numbers, why_not)
    held = [reason for reason, value in reasons(numbers).items() if value == "1"]
    assert held == ([why_not.value] if why_not else [])
    assert f"nodens_steered {int(why_not is None)}\n" in render(numbers.samples())


def test_letting_go_is_counted_and_begin_again_keeps_the_count() -> None:
    numbers = Numbers()
    begin_steering(numbers)
    for _ in range(2):
        tell_steering(numbers, None)
        tell_let_go(numbers, Withheld.DEAF)
    begin_steering(numbers)
    assert 'nodens_steering_let_go_total{reason="deaf"} 2\n' in render(numbers.samples())
