"""Changes of the borrowed addresses: the life loop orders, the keeper obeys in its own time, or not at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Event, Lock
from typing import TYPE_CHECKING, Final

from nodens.errors import NetworkError

if TYPE_CHECKING:
    from collections.abc import Callable

ORDER_S: Final = 20.0  # iptables may wait for its lock; a reload must not wait for ever


@dataclass(slots=True, kw_only=True)
class _Order:
    """One change. It is either taken up or cancelled, whichever is first."""

    addresses: tuple[str, ...]
    is_done: Event = field(default_factory=Event)
    trouble: Exception | None = None
    _lock: Lock = field(default_factory=Lock)
    _is_settled: bool = False

    def settle(self) -> bool:
        """Take it up, or cancel it; False if the other side was first."""
        with self._lock:
            was_settled, self._is_settled = self._is_settled, True
            return not was_settled


class Orders:
    """What one thread orders and another does."""

    def __init__(self, nudge: Callable[[], None], limit_s: float = ORDER_S) -> None:
        """`nudge` wakes whoever is to obey; what he has not begun within the limit he will not do later."""
        self._nudge = nudge
        self._limit_s = limit_s
        self._waiting: SimpleQueue[_Order] = SimpleQueue()

    def give(self, addresses: tuple[str, ...], subject: str) -> None:
        """Order, and wait until it is done. Raises NetworkError; then it is as it was."""
        order = _Order(addresses=addresses)
        self._waiting.put(order)
        self._nudge()
        if not order.is_done.wait(self._limit_s):
            if order.settle():
                raise NetworkError("change the addresses", subject, f"not begun in {self._limit_s:.0f} s")
            order.is_done.wait()  # it is being done: the tools' own limits end it
        if order.trouble:
            raise order.trouble

    def obey(self, do: Callable[[tuple[str, ...]], None]) -> None:
        """Do what was ordered since the last look, but for what nobody waits for any more."""
        while not self._waiting.empty():
            order = self._waiting.get()
            if not order.settle():
                continue
            try:
                do(order.addresses)
            except NetworkError as trouble:
                order.trouble = trouble
            except Exception as bug:
                order.trouble = bug
                raise
            finally:
                order.is_done.set()
