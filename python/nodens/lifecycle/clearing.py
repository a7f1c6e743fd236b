"""Tells of rules beside ours: a dead agent's are taken away, others are said once, loudly, and stand in a gauge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nodens.observe import STEERING_STALE

if TYPE_CHECKING:
    from collections.abc import Callable

    from nodens.errors import NetworkError
    from nodens.network import Steered
    from nodens.observe import Log, Numbers

_HINT: Final = "hint: when nothing else serves these addresses, `nodens release` removes them, or our next look does"


class Clearing:
    """Looks once when traffic is pointed at us, and at every interval: what lived at the first look may be dead now."""

    def __init__(self, log: Log, numbers: Numbers, count: Callable[[NetworkError], None]) -> None:
        """Have said nothing yet."""
        self._log = log
        self._numbers = numbers
        self._count = count
        self._said = ""

    def look(self, steered: Steered) -> None:
        """Take away what may go, and tell; nothing that happens here stops anybody."""
        found = steered.clear_away()
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
            kinds = "; ".join(found.standing_kinds)
            standing = (
                f"{found.standing} rules beside ours would keep pods from cluster DNS when we are gone ({kinds}): "
                f"kept: {'; '.join(found.whys)}"
            )
        elif found.troubles or found.unseen:
            standing = f"rules that a dead agent may have left cannot be seen: {found.unseen or found.troubles[0]}"
        if standing and standing != self._said:
            self._log.warning(f"{standing}\n{_HINT}")
        self._said = standing
