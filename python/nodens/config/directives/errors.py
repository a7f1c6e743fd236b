"""`errors`: which failures are logged, and which are only counted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nodens.config.directives.grammar import Option, Repeat, Row, Uses, did_you_mean, read_options
from nodens.config.model import Consolidate, ErrorsRules
from nodens.config.patterns import read_pattern
from nodens.config.values import read_duration_ms

if TYPE_CHECKING:
    from nodens.corefile import Directive
    from nodens.problems import Problems

LEVELS = ("warning", "error", "info", "debug")
SHOW_FIRST = "show_first"
PATTERN_WORD = 1
LEVEL_WORD = 2


def read(uses: Uses, problems: Problems) -> ErrorsRules:
    """Read the last use."""
    use = uses[-1]
    for word in use.arguments[:1]:
        if word.text != "stdout":
            problems.note(word.at, f"`{word.text}` is not a log file; expected `stdout` or nothing")
    rules = ErrorsRules()
    for line in read_options(use, ROW, problems):
        if line.name.text == "stacktrace":
            rules = replace(rules, has_stacktrace=True)
        elif consolidate := _consolidate(line, problems):
            rules = replace(rules, consolidate=(*rules.consolidate, consolidate))
    return rules


def _consolidate(line: Directive, problems: Problems) -> Consolidate | None:
    """Read `DURATION REGEXP [LEVEL] [show_first]`."""
    words = line.arguments
    period_ms = read_duration_ms(words[0], problems, least_ms=1)
    pattern = read_pattern(words[PATTERN_WORD], problems)
    rest = list(words[LEVEL_WORD:])
    shows_first = bool(rest) and rest[-1].text == SHOW_FIRST
    if shows_first:
        rest.pop()
    level = rest[0].text if rest else "error"
    if level not in LEVELS:
        listed = ", ".join(f"`{known}`" for known in LEVELS)
        hint = did_you_mean(level, [*LEVELS, SHOW_FIRST])
        problems.note(rest[0].at, f"`{level}` is not a log level; expected one of {listed}", hint=hint)
        return None
    if rest[1:]:
        problems.note(rest[1].at, f"`{rest[1].text}` is not `{SHOW_FIRST}`, the only word that may follow a level")
        return None
    if period_ms is None or pattern is None:
        return None
    return Consolidate(pattern=pattern, period_ms=period_ms, level=level, shows_first=shows_first)


ROW = Row(
    name="errors",
    summary="Logs each query that failed, with the reason.",
    reader=read,
    field="errors",
    arguments="[stdout]",
    most=1,
    options=(
        Option(
            name="stacktrace", default="off", meaning="Taken for compatibility; a crash of a worker is always logged."
        ),
        Option(
            name="consolidate",
            arguments='DURATION "REGEXP" [warning|error|info|debug] [show_first]',
            least=2,
            most=4,
            default="level `error`",
            meaning=(
                "Errors that match are counted and printed as one line each DURATION; `show_first` prints the first "
                "one too. The expression is RE2's, not anchored; the first `consolidate` that matches counts."
            ),
            repeat=Repeat.ADDS,
        ),
    ),
    repeat=Repeat.WRONG,
)
