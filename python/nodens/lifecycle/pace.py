"""How soon what was taken from us is looked at again: at once, and slower while somebody takes it again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FIRST_GAP_S: Final = 0.25  # between two looks, however many events come: pods come and go in crowds
CALM_S: Final = 10.0  # what stays longer than this, beside the gap itself, was not taken by one who fights us
CONTESTED: Final = 4  # repairs in a row before it is said


@dataclass(slots=True, kw_only=True)
class Pace:
    """The looks at one kind of thing. Time is an argument; the bound is of the longest gap."""

    limit_s: float
    gap_s: float = FIRST_GAP_S
    repairs: int = 0  # in a row
    looked_s: float = float("-inf")
    repaired_s: float = float("-inf")
    is_touched: bool = False

    def due_s(self) -> float | None:
        """When to look; None: nothing happened that is worth a look."""
        return self.looked_s + self.gap_s if self.is_touched else None

    def found_whole(self, now_s: float) -> None:
        """Nothing was missing."""
        self.is_touched, self.looked_s = False, now_s
        if now_s - self.repaired_s > self.gap_s + CALM_S:
            self.gap_s, self.repairs = FIRST_GAP_S, 0

    def failed(self, now_s: float) -> None:
        """It could not be looked at or put back; it is tried again, later each time."""
        self.is_touched, self.looked_s = True, now_s
        self.gap_s = min(2 * self.gap_s, self.limit_s)

    def put_back(self, now_s: float) -> None:
        """Something was missing, and was put back."""
        is_again = now_s - self.repaired_s <= self.gap_s + CALM_S
        self.repairs = self.repairs + 1 if is_again else 1
        self.gap_s = min(2 * self.gap_s, self.limit_s) if is_again else FIRST_GAP_S
        self.is_touched, self.looked_s, self.repaired_s = False, now_s, now_s

    @property
    def is_contested(self) -> bool:
        """Whether somebody keeps taking it."""
        return self.repairs >= CONTESTED
