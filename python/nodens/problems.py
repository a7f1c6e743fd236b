"""A place in a file and what is wrong there; collected, sorted, printed.

Nothing here knows a directive or a flag. Readers note what they find and go on, so that one run tells everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """Where a word stands: file as the user named it, line and column from 1, width in characters.

    `line` 0 means the file as a whole (no line is printed). `source` is the whole text of that line, for the caret.
    """

    file: str
    line: int = 0
    column: int = 0
    width: int = field(default=1, compare=False)
    source: str = field(default="", compare=False)

    def __str__(self) -> str:
        """Render as `file:line:column`, as editors and compilers do."""
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong (or only suspicious, when `is_warning`), at one place."""

    at: Place
    what: str
    hint: str | None = None
    is_warning: bool = False

    def render(self, *, says_level: bool = True) -> str:
        """Give the message, the line with a caret under the words, and the hint; a log line has its level already."""
        level = "warning: " if self.is_warning and says_level else ""
        lines = [f"{self.at}: {level}{self.what}"]
        if self.at.line and self.at.source:
            number = f"{self.at.line:5d}"
            before = self.at.source[: max(self.at.column - 1, 0)]
            pad = "".join("\t" if letter == "\t" else " " for letter in before)
            lines.append(f"{number} | {self.at.source}")
            lines.append(f"{'':5s} | {pad}{'^' * max(self.at.width, 1)}")
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)


class Problems:
    """A growing list of problems. Readers share one; nobody raises before all have been heard.

    The same thing said twice of one place counts once: a snippet is read again in every block that imports it.
    """

    def __init__(self) -> None:
        """Start with none."""
        self._noted: dict[Problem, None] = {}

    def note(self, at: Place, what: str, *, hint: str | None = None) -> None:
        """Remember what is wrong at a place; the text is refused."""
        self._noted[Problem(at=at, what=what, hint=hint)] = None

    def warn(self, at: Place, what: str, *, hint: str | None = None) -> None:
        """Remember what is suspicious at a place; the text is still accepted."""
        self._noted[Problem(at=at, what=what, hint=hint, is_warning=True)] = None

    def take(self, others: Problems) -> None:
        """Remember what others have noted; for a reader that must know whether it found anything itself."""
        self._noted |= others._noted

    def __iter__(self) -> Iterator[Problem]:
        """Go through all, sorted by place."""
        return iter(sorted(self._noted, key=lambda problem: problem.at))

    def __len__(self) -> int:
        """Count problems and warnings."""
        return len(self._noted)

    @property
    def are_fatal(self) -> bool:
        """Whether anything more than a warning was noted."""
        return any(not problem.is_warning for problem in self._noted)

    def render(self) -> str:
        """Give all messages, sorted by place, a line break between them."""
        return "\n".join(problem.render() for problem in self)

    def render_faults(self) -> str:
        """Give the messages of what refuses the text, without the warnings."""
        return "\n".join(problem.render() for problem in self if not problem.is_warning)
