"""Follows the sockets of others that serve our addresses: who has gone may have left rules that would outlive us.

Asking costs a quarter of a millisecond; the tools that read rules are run only when somebody has gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nodens.errors import NetworkError

if TYPE_CHECKING:
    from collections.abc import Callable

_ALONE_S: Final = 5.0  # how often to look for somebody new: who lives for less is found by the keeper's interval
_BESIDE_S: Final = 1.0  # how often to look while somebody is there
_SURE_S: Final = 0.5  # who has gone must be gone for so long: a reload may close sockets before it opens others


class Neighbours:
    """Who serves our addresses, too, as it was last seen."""

    def __init__(self, look: Callable[[], frozenset[str]]) -> None:
        """Know of nobody. `look` gives the numbers of others' sockets, or raises NetworkError."""
        self._look = look
        self._known: frozenset[str] = frozenset()
        self._missed: frozenset[str] = frozenset()
        self.due_s = 0.0

    def have_gone(self, now_s: float) -> bool:
        """Look if it is due: whether a socket that was there is gone, and was gone at the look before, too."""
        if now_s < self.due_s:
            return False
        try:
            seen = self._look()
        except NetworkError:
            self.due_s = now_s + _ALONE_S  # who cannot be seen cannot be missed; the look at the rules says so
            return False
        missed = self._known - seen
        if gone := missed & self._missed:
            self._known -= gone
            missed -= gone
        self._known |= seen
        self._missed = missed
        self.due_s = now_s + (_SURE_S if missed else _BESIDE_S if self._known else _ALONE_S)
        return bool(gone)
