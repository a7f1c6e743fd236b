"""State -> alive? ready? with the reason. Pure."""

from __future__ import annotations

from dataclasses import dataclass

PULSE_LIMIT_S = 10.0  # a worker turns once a second when idle; ten misses are no accident


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What the life loop last published: why not ready (empty: ready), and why not alive (empty: alive)."""

    unready: tuple[str, ...] = ()
    unwell: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """An HTTP answer to a probe."""

    code: int
    body: str


def alive(status: Status) -> Verdict:
    """Answer /health: restart us only if that would help."""
    if status.unwell:
        return Verdict(code=503, body=", ".join(status.unwell))
    return Verdict(code=200, body="OK")


def ready(status: Status) -> Verdict:
    """Answer /ready: whether traffic should be pointed at us."""
    if status.unready or status.unwell:
        return Verdict(code=503, body=", ".join(status.unready + status.unwell))
    return Verdict(code=200, body="OK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """Turns of each worker, and since when each has stood at that number."""

    turns: tuple[int, ...] = ()
    since_s: tuple[float, ...] = ()

    def felt(self, turns: tuple[int, ...], now_s: float) -> Pulse:
        """The pulse after one more look."""
        if len(turns) != len(self.turns):
            return Pulse(turns=turns, since_s=(now_s,) * len(turns))
        pairs = zip(turns, self.turns, self.since_s, strict=True)
        return Pulse(turns=turns, since_s=tuple(then if new == old else now_s for new, old, then in pairs))

    def complaints(self, now_s: float) -> tuple[str, ...]:
        """A reason for every worker that stands still for too long."""
        return tuple(
            f"worker {number} has not turned for {now_s - then:.0f} s"
            for number, then in enumerate(self.since_s)
            if now_s - then > PULSE_LIMIT_S
        )
