"""What all directives have in common: the rows of the table, arguments counted, options known, once per block."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from nodens.corefile import Directive

if TYPE_CHECKING:
    from nodens.corefile import Word
    from nodens.problems import Problems

Uses = tuple[Directive, ...]  # every use of one directive in one block, in file order; never empty
Reader = Callable[[Uses, "Problems"], Any]  # gives the value of the row's field of `config.Server`


class RunTime(StrEnum):
    """How a setting may change while we serve."""

    LIVE = "live"  # the new plan is swapped in; cache and connections stay
    REBIND = "rebind"  # sockets come and go; those that stay, stay open
    RESTART = "restart"  # only a new process takes it up


class Repeat(StrEnum):
    """What a second use in the same block means."""

    WRONG = "wrong"
    LAST_COUNTS = "last counts"
    ADDS = "adds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A line inside a directive's braces. `most` None: any number of arguments."""

    name: str
    arguments: str = ""
    least: int = 0
    most: int | None = 0
    default: str = ""
    meaning: str
    repeat: Repeat = Repeat.LAST_COUNTS
    is_served: bool = True

    @property
    def syntax(self) -> str:
        """The line as the documentation writes it."""
        return f"{self.name} {self.arguments}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One directive of the table. Without `reader` it is a CoreDNS plugin that nodens knows, but does not serve yet."""

    name: str
    summary: str
    reader: Reader | None = None
    field: str = ""  # of `config.Server`
    change: RunTime = RunTime.LIVE
    arguments: str = ""
    least: int = 0
    most: int | None = 0
    default: str = ""
    notes: str = ""
    options: tuple[Option, ...] = ()
    repeat: Repeat = Repeat.LAST_COUNTS

    @property
    def syntax(self) -> str:
        """The directive's first line as the documentation writes it."""
        return f"{self.name} {self.arguments}".rstrip()


def did_you_mean(text: str, known: Iterable[str]) -> str | None:
    """Give a hint if a word is nearly a known one."""
    close = difflib.get_close_matches(text.lower()[:64], sorted(known), n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`?" if close else None


def check_use(row: Row, uses: Uses, problems: Problems) -> None:
    """Note what is wrong with a directive as a whole: too few or many words, a second use, a block where none is."""
    for use in uses:
        _count(use, row.syntax, row.least, row.most, problems)
        if use.body and not row.options:
            problems.note(use.body[0].name.at, f"`{row.name}` takes no options")
    for earlier, use in itertools.pairwise(uses):
        if row.repeat is Repeat.WRONG:
            problems.note(
                use.name.at, f"`{row.name}` stands in this block already, at {uses[0].name.at}; expected it once"
            )
        elif row.repeat is Repeat.LAST_COUNTS:
            problems.warn(earlier.name.at, f"`{row.name}` stands again at {use.name.at}; the last one counts")


def _count(line: Directive, syntax: str, least: int, most: int | None, problems: Problems) -> bool:
    """Check the number of arguments of a line."""
    given = len(line.arguments)
    if given < least:
        problems.note(line.name.at, f"`{line.name.text}` has too few arguments; expected `{syntax}`")
        return False
    if most is not None and given > most:
        extra = line.arguments[most]
        problems.note(extra.at, f"`{extra.text}` is one argument too many; expected `{syntax}`")
        return False
    return True


def read_options(use: Directive, row: Row, problems: Problems) -> list[Directive]:
    """Give the lines of a body that are known options with as many arguments as they take; note the others."""
    known = {option.name: option for option in row.options}
    lines: list[Directive] = []
    seen: dict[str, Word] = {}
    for line in use.body or ():
        name = line.name.text
        option = known.get(name)
        if option is None:
            problems.note(line.name.at, f"`{name}` is not an option of `{row.name}`", hint=did_you_mean(name, known))
            continue
        if not option.is_served:
            problems.note(
                line.name.at, f"`{name}` is an option of CoreDNS' `{row.name}` that nodens does not serve yet"
            )
            continue
        if line.body is not None:
            problems.note(line.name.at, f"`{name}` takes no block; expected `{option.syntax}`")
            continue
        if name in seen and option.repeat is Repeat.LAST_COUNTS:
            problems.warn(seen[name].at, f"`{name}` stands again at {line.name.at}; the last one counts")
        seen[name] = line.name
        if _count(line, option.syntax, option.least, option.most, problems):
            lines.append(line)
    return lines


def read_choice(word: Word, choices: Iterable[str], what: str, problems: Problems) -> str | None:
    """Read one of a few words, in any case."""
    text = word.text.lower()
    known = list(choices)
    if text in known:
        return text
    listed = ", ".join(f"`{choice}`" for choice in known)
    problems.note(word.at, f"`{word.text}` is not {what}; expected one of {listed}", hint=did_you_mean(text, known))
    return None
