"""Tells of rules beside ours: a dead agent's are taken away, others are said once, loudly, and stand in a gauge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nodens.observe import STEERING_STALE

if TYPE_CHECKING:
    from collections.abc import Callable

    from nodens.errors import NetworkError
    from nodens.network import Steered
    from nodens.observe import Log, Numbers

_HINT: Final = "hint: when nothing else serves these addresses, `nodens release` removes them"
_OR_WE: Final = ", or our next look does"


class Clearing:
    """Looks when traffic is pointed at us, at every interval, when a neighbour has gone, and last when we go."""

    def __init__(self, log: Log, numbers: Numbers, count: Callable[[NetworkError], None]) -> None:
        """Have said nothing yet."""
        self._log = log
        self._numbers = numbers
        self._count = count
        self._said = ""
        self.is_anything_left = False  # rules beside ours stood at the last look, or could not be looked at

    def look(self, steered: Steered, *, is_last: bool = False) -> tuple[NetworkError, ...]:
        """Take away what may go, and tell; nothing that happens here stops anybody. Give what failed.

        The last look says again what stands.
        """
        found = steered.clear_away()
        self.is_anything_left = bool(found.standing or found.troubles)
        for trouble in found.troubles:
            self._count(trouble)
        self._numbers.put(STEERING_STALE, value=found.standing)
        if found.removed:
            kinds = "; ".join(found.removed_kinds)
            self._log.warning(
                f"{found.removed} rules of a dead agent were removed: they would have outlived us ({kinds})"
            )
        standing = ""
        if found.standing:
            kinds, whys = "; ".join(found.standing_kinds), "; ".join(found.whys)
            if is_last:
                standing = f"{found.standing} rules beside ours stay when we are gone ({kinds}): kept: {whys}"
            else:
                standing = (
                    f"{found.standing} rules beside ours would keep pods from cluster DNS when we are gone ({kinds}): "
                    f"kept: {whys}"
                )
        elif found.troubles or found.unseen:
            standing = f"rules that a dead agent may have left cannot be seen: {found.unseen or found.troubles[0]}"
        if standing and standing != self._said:
            self._log.warning(f"{standing}\n{_HINT}{'' if is_last else _OR_WE}")
        self._said = standing
        return tuple(found.troubles)
