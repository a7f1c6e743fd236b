"""Who steers: one keeper after the other, each from when it may until it is told to let go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from nodens.lifecycle.ground import Ground
    from nodens.lifecycle.keep import Keeper
    from nodens.lifecycle.probe import Place


class Helm:
    """The keeper that steers now. A context manager: entering steers, leaving points traffic away first of all."""

    def __init__(self, ground: Ground, make: Callable[[], Keeper]) -> None:
        """Steer nothing yet."""
        self._ground = ground
        self._make = make
        self._keeper = make()

    def __enter__(self) -> Self:
        """Begin."""
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End; what is left behind for a successor stays as it is."""
        self._keeper.stop()
        self._ground.unsteer()  # if it had let go, and nobody took it

    def borrow(self, addresses: tuple[str, ...]) -> None:
        """Point traffic to these borrowed addresses at us, and to no others; see `Keeper.borrow`."""
        self._keeper.borrow(addresses)

    def captured(self) -> tuple[Place, ...]:
        """Name the borrowed places that are ours now; see `Keeper.captured`."""
        return self._keeper.captured()

    def nudge(self) -> None:
        """Wake the keeper: there is something to look at."""
        self._keeper.nudge()

    def let_go(self) -> None:
        """Steer no more, and change nothing on the node: another one does."""
        self._ground.is_left = True
        self._keeper.stop()

    def take_back(self) -> None:
        """Steer again: nobody else does."""
        self._ground.is_left = self._ground.plan.is_left
        self._keeper = self._make()
        self._keeper.start()
