"""Whether the packet workers earn the next beat: turns of each, and since when. Pure; time is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

STILL_LIMIT_S: Final = 1.5  # a worker turns once a second when idle; half a second for a busy node to let it run


@dataclass(frozen=True, slots=True, kw_only=True)
class Heart:
    """Turns of each worker, since when each number stands, and whether it has moved since we began to look.

    A beat is earned while every worker was seen to move, and none has stood still for too long. Until a worker was seen
    to move it is neither trusted nor called stuck.
    """

    turns: tuple[int, ...] = ()
    since_s: tuple[float, ...] = ()
    has_moved: tuple[bool, ...] = ()

    @classmethod
    def first(cls, turns: tuple[int, ...], now_s: float) -> Heart:
        """Begin to look; also after we slept ourselves: what was seen before says nothing any more."""
        return cls(turns=turns, since_s=(now_s,) * len(turns), has_moved=(False,) * len(turns))

    def felt(self, turns: tuple[int, ...], now_s: float) -> Heart:
        """Look once more."""
        if len(turns) != len(self.turns):
            return Heart.first(turns, now_s)
        moved = tuple(new != old for new, old in zip(turns, self.turns, strict=True))
        return Heart(
            turns=turns,
            since_s=tuple(now_s if is_new else then for is_new, then in zip(moved, self.since_s, strict=True)),
            has_moved=tuple(is_new or before for is_new, before in zip(moved, self.has_moved, strict=True)),
        )

    def stuck(self, now_s: float) -> tuple[int, ...]:
        """The workers that stand still for too long."""
        return tuple(number for number, then in enumerate(self.since_s) if now_s - then > STILL_LIMIT_S)

    def has_earned(self, now_s: float) -> bool:
        """Whether a beat may be given."""
        return bool(self.turns) and all(self.has_moved) and not self.stuck(now_s)
