"""Words that the tests of the lab share."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from nodens.lab.world import Progress

Typed = Callable[..., subprocess.CompletedProcess[str]]  # `nodens lab` with these words


def silently(_progress: Progress) -> None:
    """Tell nobody."""
