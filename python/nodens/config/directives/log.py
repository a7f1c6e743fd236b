"""`log`: which queries are printed, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodens.config.directives.grammar import Option, Repeat, Row, Uses, read_choice, read_options
from nodens.config.model import LogRule
from nodens.config.names import read_zones

if TYPE_CHECKING:
    from nodens.corefile import Directive
    from nodens.problems import Problems

COMMON = "{common}"
CLASSES = ("all", "success", "denial", "error")
FORMAT_LIMIT = 2_000  # letters; a line for each query should stay readable


def read(uses: Uses, problems: Problems) -> tuple[LogRule, ...]:
    """Read each use; the first whose names hold the qname decides."""
    return tuple(_read_one(use, problems) for use in uses)


def _read_one(use: Directive, problems: Problems) -> LogRule:
    """Read `[NAMES...] [FORMAT]`: a lone word is a name; of several the last is the format if it holds a brace."""
    words, form = use.arguments, COMMON
    if len(words) > 1 and "{" in words[-1].text:
        form = words[-1].text
        if len(form) > FORMAT_LIMIT or not form.isprintable():
            problems.note(words[-1].at, f"a format is one line of at most {FORMAT_LIMIT} letters")
        words = words[:-1]
    zones = tuple(zone for word in words for zone in read_zones(word, problems) or ()) if words else (".",)
    classes: list[str] = []
    for line in read_options(use, ROW, problems):
        chosen = [read_choice(word, CLASSES, "a class of responses", problems) for word in line.arguments]
        classes += [choice for choice in chosen if choice]
    return LogRule(zones=zones, format=form, classes=tuple(dict.fromkeys(classes)) or ("all",))


ROW = Row(
    name="log",
    summary="Prints a line for each query.",
    reader=read,
    field="log",
    arguments="[NAMES...] [FORMAT]",
    most=None,
    default="names `.`, format `{common}`",
    notes=(
        "A lone word is a name; of several the last is the format if it holds a brace. `{common}` and `{combined}` "
        "stand for the two usual formats and may be parts of another."
    ),
    options=(
        Option(
            name="class",
            arguments="all|success|denial|error...",
            least=1,
            most=None,
            default="all",
            meaning="Prints only responses of these classes.",
            repeat=Repeat.ADDS,
        ),
    ),
    repeat=Repeat.ADDS,
)
