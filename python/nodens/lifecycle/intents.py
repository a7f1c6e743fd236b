"""What the life loop is asked to do: one queue, filled by signals, the watch and the engine, emptied by one thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from queue import SimpleQueue

    from nodens.lifecycle.visit import Visit, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """End this life. `is_hasty`: without lameduck and drain."""

    is_hasty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload:
    """Look at everything again. `signal` names who asked aloud; empty means that a file changed."""

    signal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The engine has something rare to say."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """The process after us, at the door, has said a word; or is gone, and `why`."""

    visit: Visit
    word: Word
    why: str = ""


Intent: TypeAlias = Stop | Reload | Told | Called
Intents: TypeAlias = "SimpleQueue[Intent]"
