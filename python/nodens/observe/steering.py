"""What is told of steering: pointed here, or the one reason why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodens.observe.catalogue import (
    HANDOVERS,
    LETS_GO,
    STEERED,
    STEERING_LET_GO,
    STEERING_WITHHELD,
    Outcome,
    Role,
    Withheld,
)

if TYPE_CHECKING:
    from nodens.observe.numbers import Numbers


def tell_steering(numbers: Numbers, why_not: Withheld | None) -> None:
    """Put the gauges of steering: pointed at us (None), or withheld for this reason."""
    numbers.put(STEERED, value=int(why_not is None))
    for reason in Withheld:
        numbers.put(STEERING_WITHHELD, reason.value, value=int(reason is why_not))


def begin_steering(numbers: Numbers) -> None:
    """Put all numbers of steering where they stand before anything was decided."""
    tell_steering(numbers, Withheld.STARTING)
    for reason in LETS_GO:
        numbers.add(STEERING_LET_GO, reason.value, by=0)
    for role in Role:
        for outcome in Outcome:
            numbers.add(HANDOVERS, outcome.value, role.value, by=0)


def tell_let_go(numbers: Numbers, why: Withheld) -> None:
    """Count that traffic was given back to cluster DNS, and say why it is withheld from now on."""
    tell_steering(numbers, why)
    numbers.add(STEERING_LET_GO, why.value)


def tell_lapse(numbers: Numbers) -> None:
    """Count that rules sent traffic to cluster DNS by themselves for a while, for want of beats."""
    numbers.add(STEERING_LET_GO, Withheld.FROZEN.value)


def tell_handover(numbers: Numbers, role: Role, outcome: Outcome) -> None:
    """Count what became of a hand-over."""
    numbers.add(HANDOVERS, outcome.value, role.value)
