"""The pid file: there while we answer. Others wait for it, so it comes last and goes first."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nodens.lifecycle.files import replace_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nodens.observe import Log


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
