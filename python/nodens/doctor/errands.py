"""Work that is done at the same time and given up when its time is over."""

from __future__ import annotations

import time
from threading import Event, Thread
from typing import TYPE_CHECKING, Generic, TypeVar

from nodens.doctor.model import Unseen
from nodens.errors import NodensError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T_co = TypeVar("T_co", covariant=True)


class Errand(Generic[T_co]):
    """One piece of work on a thread of its own, which nobody waits for at the end of the program."""

    def __init__(self, name: str, work: Callable[[], T_co]) -> None:
        """Begin."""
        self.name = name
        self._work = work
        self._found: T_co | Unseen = Unseen(f"{name}: still at it when time was over")
        self._is_done = Event()
        Thread(target=self._do, name=name, daemon=True).start()

    def _do(self) -> None:
        """Work; what goes wrong is the finding."""
        try:
            self._found = self._work()
        except (NodensError, OSError) as error:
            self._found = Unseen(str(error))
        except Exception as error:  # noqa: BLE001 - a bug in one check must not hide the others
            self._found = Unseen(f"{self.name}: a bug of nodens, please report it: {type(error).__name__}: {error}")
        self._is_done.set()

    @property
    def is_done(self) -> bool:
        """Whether it came to its end."""
        return self._is_done.is_set()

    def found(self) -> T_co | Unseen:
        """Give what was found by now."""
        return self._found

    def wait(self, limit_s: float) -> None:
        """Wait for its end."""
        self._is_done.wait(limit_s)


def wait_all(errands: Sequence[Errand[object]], limit_s: float, tell: Callable[[Sequence[str]], None]) -> None:
    """Wait until all are done or time is over; tell, now and then, whom we wait for."""
    deadline_s = time.monotonic() + limit_s
    while (left_s := deadline_s - time.monotonic()) > 0:
        waiting = [errand for errand in errands if not errand.is_done]
        if not waiting:
            return
        waiting[0].wait(min(left_s, 0.5))
        still = [errand.name for errand in errands if not errand.is_done]
        if still:
            tell(still)
