"""Looks at outputs: small functions that make checks. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from nodens.lab.lesson.model import Check, Output

Outputs = tuple[Output, ...]


def has(pattern: str, says: str, *, of: int = 0, times: int = 1) -> Check:
    """Expect a pattern in a command's output, so many times at least (lines are matched one by one)."""

    def holds(outputs: Outputs) -> bool:
        return len(re.findall(pattern, outputs[of].text, re.MULTILINE)) >= times

    return Check(says=says, holds=holds)


def lacks(pattern: str, says: str, *, of: int = 0) -> Check:
    """Expect a pattern nowhere."""
    return Check(says=says, holds=lambda outputs: not re.search(pattern, outputs[of].text, re.MULTILINE))


def is_text(text: str, says: str, *, of: int = 0) -> Check:
    """Expect exactly this, byte for byte."""
    return Check(says=says, holds=lambda outputs: outputs[of].text == text)


def counts(pattern: str, number: int, says: str, *, of: int = 0) -> Check:
    """Expect a pattern exactly so many times."""

    def holds(outputs: Outputs) -> bool:
        return len(re.findall(pattern, outputs[of].text, re.MULTILINE)) == number

    return Check(says=says, holds=holds)


def number(text: str, pattern: str) -> float | None:
    """Read the number that a pattern's group finds; None if it is not there."""
    found = re.search(pattern, text, re.MULTILINE)
    return float(found[1].replace(",", "")) if found else None


def total(text: str, pattern: str) -> float:
    """Add up the numbers that a pattern's group finds."""
    return sum(float(each.replace(",", "")) for each in re.findall(pattern, text, re.MULTILINE))


def compare(says: str, holds: Callable[[float, float], bool], pattern: str, *, first: int, then: int) -> Check:
    """Expect something of the sums of a pattern's numbers in two outputs; false where the second has none.

    The first may have none: a counter appears with its first count.
    """

    def look(outputs: Outputs) -> bool:
        is_there = re.search(pattern, outputs[then].text, re.MULTILINE) is not None
        return is_there and holds(total(outputs[first].text, pattern), total(outputs[then].text, pattern))

    return Check(says=says, holds=look)


def of_number(says: str, pattern: str, holds: Callable[[float], bool], *, of: int = 0) -> Check:
    """Expect something of one number."""

    def look(outputs: Outputs) -> bool:
        found = number(outputs[of].text, pattern)
        return found is not None and holds(found)

    return Check(says=says, holds=look)
