"""The pid file: there while we answer. Others wait for it, so it comes last and goes first."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nodens.lifecycle.files import replace_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nodens.observe import Log


_START_TIME_FIELD: Final = 19  # of /proc/PID/stat, after the name in its brackets
_CLOCK_SLACK_S: Final = 0.05  # files are stamped by a coarse clock


@contextmanager
def held(path: str, log: Log) -> Iterator[None]:
    """Keep our pid in a file; an empty path keeps none. A file that cannot be written is an error line, not an end.

    It is never written through: `/tmp/node-cache.pid` may be a link that somebody else has put there.
    """
    if path:
        try:
            replace_whole(Path(path), f"{os.getpid()}\n")
        except OSError as error:
            log.error(f"{path}: cannot write the pid file: {(error.strerror or str(error)).lower()}")  # noqa: TRY400 - not logging's: our lines have no traceback
    try:
        yield
    finally:
        remove(path)


def remove(path: str) -> None:
    """Remove the file if it still holds our pid."""
    if not path:
        return
    with suppress(OSError):
        if Path(path).read_text(encoding="utf-8").strip() == str(os.getpid()):
            Path(path).unlink()


def why_not_held(path: Path, proc: Path = Path("/proc")) -> str:
    """Say why the file does not tell of a living process that wrote it; empty if it does.

    In a container the agent has the same pid each time, and the file may be what a killed one left: it must be
    younger than the process.
    """
    try:
        pid, written_s = path.read_text(encoding="utf-8").strip(), path.stat().st_mtime
    except OSError as error:
        return f"{path}: {(error.strerror or str(error)).lower()}"
    if not pid.isdecimal():
        return f"{path}: `{pid[:20]}` is no pid"
    try:
        ticks = int((proc / pid / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[_START_TIME_FIELD])
    except (OSError, ValueError, IndexError):
        return f"{path}: no process {pid} is there"
    age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    if written_s < time.time() - age_s - _CLOCK_SLACK_S:
        return f"{path}: was written before process {pid} began"
    return ""
