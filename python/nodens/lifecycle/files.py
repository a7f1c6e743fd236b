"""Writes a file so that nobody reads half of it."""

from __future__ import annotations

import os
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
        replace_whole(target, text)
    except OSError:
        with target.open("w", encoding="utf-8") as file:
            file.write(text)


def replace_whole(target: Path, text: str) -> None:
    """Write beside it, then rename over it: what stands there goes, a symlink too, whoever made it. Raises OSError."""
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        beside.unlink()  # left by a process of our number that was killed
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "w", encoding="utf-8") as file:
            file.write(text)
        beside.replace(target)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise
