"""The files an `import` names, read off the disk. The only file of this room that touches one."""

from __future__ import annotations

import glob
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

WILDCARDS = "*?"
FILE_BYTES_LIMIT = 1 << 20  # a ConfigMap holds no more; an import of a device or a log must end


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFile:
    """A file that was found: its path as messages shall name it, and its text."""

    path: str
    text: str


class ReadFile(Protocol):
    """Reads what a path or pattern names, in name order; a pattern may name nothing.

    Raises OSError for what cannot be read, and ValueError for what is no text.
    """

    def __call__(self, pattern: str, /) -> Sequence[ImportedFile]:
        """Read all that matches."""
        ...


def read_from_disk(pattern: str, /) -> tuple[ImportedFile, ...]:
    """Read the file of that path, or all files that match; directories do not match."""
    if not any(letter in pattern for letter in WILDCARDS):
        return (_read(Path(pattern)),)
    found = sorted(glob.glob(pattern, include_hidden=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    return tuple(_read(Path(path)) for path in found if not Path(path).is_dir())


def open_regular(path: str, flags: int = 0) -> int:
    """Open a regular file, for `open(opener=...)`. A pipe or a device would make us wait: raises ValueError."""
    number = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
    kind = os.fstat(number).st_mode
    if stat.S_ISREG(kind) or stat.S_ISDIR(kind):
        return number
    os.close(number)
    raise ValueError(f"{path}: not a file")


def _read(path: Path) -> ImportedFile:
    """Read one file, whole."""
    with open(path, "rb", opener=open_regular) as opened:
        content = opened.read(FILE_BYTES_LIMIT + 1)
    if len(content) > FILE_BYTES_LIMIT:
        raise ValueError(f"{path}: over the limit of {FILE_BYTES_LIMIT} bytes")
    try:
        return ImportedFile(path=str(path), text=content.decode())
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 at byte {error.start}") from error
