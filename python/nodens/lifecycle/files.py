"""Writes a file so that nobody reads half of it."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

_MODE = 0o666  # less the umask, as any new file


def write_whole(path: Path, text: str) -> None:
    """Replace a file in one step; in place where its folder does not let us. Raises OSError.

    A symlink is followed, not replaced. A mounted single file cannot be renamed over: in place, too.
    """
    target = path.resolve()
    with suppress(OSError):
        if target.read_text(encoding="utf-8") == text:
            return
    try:
        _replace(target, text)
    except OSError:
        with target.open("w", encoding="utf-8") as file:
            file.write(text)


def _replace(target: Path, text: str) -> None:
    """Write beside it, then rename over it."""
    number, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(_MODE & ~mask)
        Path(name).replace(target)
    except OSError:
        with suppress(OSError):
            Path(name).unlink()
        raise
