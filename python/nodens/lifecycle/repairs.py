"""Puts back what somebody took from link or rules, each at its own pace, and says what it was."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from nodens.errors import NetworkError
from nodens.lifecycle.pace import CONTESTED, Pace
from nodens.network import Touched
from nodens.observe import STEERING_REPAIRED, STEERING_REPAIRS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nodens.network import Steered, SteeringPlan
    from nodens.observe import Log, Numbers

# A link costs a message, and without it queries have nowhere to go. Rules cost processes; without them cluster DNS has
# the traffic.
_LIMITS_S: Final = {Touched.LINK: 1.0, Touched.RULES: 30.0}


class Repairs:
    """What was touched, and when to look at it. For the keeper's thread."""

    def __init__(self, log: Log, numbers: Numbers) -> None:
        """Know of nothing yet."""
        self._log = log
        self._numbers = numbers
        self._paces = {where: Pace(limit_s=limit_s) for where, limit_s in _LIMITS_S.items()}
        for where in Touched:
            numbers.add(STEERING_REPAIRS, where.value, by=0)

    def note(self, touched: Iterable[Touched] = Touched) -> None:
        """Something may be missing there; without words: anywhere."""
        for where in touched:
            self._paces[where].is_touched = True

    def due_s(self) -> float:
        """When the next look is due, by the monotonic clock; infinity: nothing was touched."""
        return min((due for pace in self._paces.values() if (due := pace.due_s()) is not None), default=float("inf"))

    def do(self, steered: Steered, now_s: float) -> bool:
        """Look where it is due, and put back what is missing; whether anything was. Raises NetworkError, all tried."""
        troubles: list[NetworkError] = []
        has_repaired = False
        for where, pace in self._paces.items():
            due_s = pace.due_s()
            if due_s is None or now_s < due_s:
                continue
            try:
                put_back = steered.repair({where}) if steered.missing({where}) else ()
            except NetworkError as trouble:
                pace.failed(time.monotonic())
                troubles.append(trouble)
                continue
            if put_back:
                pace.put_back(time.monotonic())
                self._tell(where, put_back, pace, steered.plan)
                has_repaired = True
            else:
                pace.found_whole(time.monotonic())
        if troubles:
            raise troubles[0]
        return has_repaired

    def _tell(self, where: Touched, put_back: tuple[str, ...], pace: Pace, plan: SteeringPlan) -> None:
        """Count a repair and say it, until it is the same again and again."""
        self._numbers.put(STEERING_REPAIRED, value=time.time())
        self._numbers.add(STEERING_REPAIRS, where.value)
        if pace.repairs == CONTESTED:
            limit = f"at most every {pace.limit_s:.0f} s"
            self._log.warning(
                f"somebody keeps removing {'; '.join(put_back)}: it was put back {pace.repairs} times; from now on "
                f"{limit}, without a line\nhint: another agent, or a firewall that loads its rules anew?"
            )
        if pace.is_contested:
            return
        for what in put_back:
            if what == plan.link_name:
                self._log.info(f"Added interface - {what}")
            elif what in plan.addresses:
                self._log.info(f"Added back address {what} on {plan.link_name}")
            else:
                self._log.info(f"Added back {plan.link_name} rule - {{{what}}}")
