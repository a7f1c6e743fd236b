"""Where a Corefile comes from: a file, a text that is built in, or a template (`template.py`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from nodens.corefile import open_regular
from nodens.errors import ConfigError, NodensError
from nodens.problems import Place, Problems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nodens.corefile import Corefile
    from nodens.observe import Log, Numbers

SIZE_LIMIT_BYTES = 1 << 20  # a ConfigMap's own limit


class NotYetError(NodensError):
    """Something that comes by itself is missing; the sentence says what, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A Corefile's text, and the file its places name. `tree` is there where it was parsed already.

    `warnings` were noted on the way to the tree. Relative imports are looked for in `beside` before the file's folder.
    """

    file: str
    content: str
    tree: Corefile | None = None
    warnings: Problems = field(default_factory=Problems)
    beside: str | None = None


class Source(Protocol):
    """Gives the text anew each time it is asked."""

    def read(self) -> Text:
        """Read it now. Raises ConfigError or NotYetError."""

    def report_to(self, log: Log, numbers: Numbers) -> None:
        """Say and count there, from now on, what goes wrong beside the text."""

    def accept(self) -> None:
        """What was read last can be served: write it where others look for it."""

    def watched(self) -> Sequence[Path]:
        """The files and folders whose change calls for another look."""


def read_file(path: str) -> str:
    """Read a text file whole. Raises ConfigError, with the file as the place."""
    problems = Problems()
    try:
        with open(path, "rb", opener=open_regular) as file:
            raw = file.read(SIZE_LIMIT_BYTES + 1)
        if len(raw) <= SIZE_LIMIT_BYTES:
            return raw.decode()
        problems.note(Place(file=path), f"the file is over the limit of {SIZE_LIMIT_BYTES} bytes")
    except UnicodeDecodeError as error:
        problems.note(Place(file=path), f"byte {error.start} is not UTF-8")
    except ValueError:
        problems.note(Place(file=path), "a pipe or a device; expected a file")
    except OSError as error:
        problems.note(Place(file=path), f"cannot read: {(error.strerror or str(error)).lower()}")
    raise ConfigError(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSource:
    """A Corefile as it stands."""

    path: str

    def report_to(self, log: Log, numbers: Numbers) -> None:
        """Has nothing to say."""

    def accept(self) -> None:
        """Stands where it stands."""

    def read(self) -> Text:
        """Read the file."""
        return Text(file=self.path, content=read_file(self.path))

    def watched(self) -> Sequence[Path]:
        """The file."""
        return (Path(self.path),)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltInSource:
    """A Corefile that is part of the program."""

    content: str
    file: str = "(built in)"

    def report_to(self, log: Log, numbers: Numbers) -> None:
        """Has nothing to say."""

    def accept(self) -> None:
        """Stands where it stands."""

    def read(self) -> Text:
        """Give it."""
        return Text(file=self.file, content=self.content)

    def watched(self) -> Sequence[Path]:
        """Nothing."""
        return ()
