"""`bind`: where a block listens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodens.config.directives.grammar import Option, Repeat, Row, RunTime, Uses, read_options
from nodens.config.model import BindRules, BindWord

if TYPE_CHECKING:
    from nodens.corefile import Word
    from nodens.problems import Problems


def read(uses: Uses, problems: Problems) -> BindRules:
    """Collect the words of all uses; only the plan knows which interfaces there are."""
    words = [word for use in uses for word in use.arguments]
    lines = [line for use in uses for line in read_options(use, ROW, problems)]
    left_out = [word for line in lines for word in line.arguments]
    return BindRules(words=_bind_words(words, problems), except_words=_bind_words(left_out, problems))


def _bind_words(words: list[Word], problems: Problems) -> tuple[BindWord, ...]:
    """Keep what may be an address or an interface."""
    for word in words:
        if not word.text:
            problems.note(word.at, "an empty word is not an address; expected an IP address or an interface name")
    return tuple(BindWord(text=word.text, at=word.at) for word in words if word.text)


ROW = Row(
    name="bind",
    summary="Listens on these addresses, and on all addresses of these interfaces.",
    reader=read,
    field="bind",
    change=RunTime.REBIND,
    arguments="ADDRESS|INTERFACE...",
    least=1,
    most=None,
    default="all addresses of the node, both families",
    notes="An address named twice is taken once, with a warning. Interfaces are looked up at each (re)load.",
    options=(
        Option(
            name="except",
            arguments="ADDRESS|INTERFACE...",
            least=1,
            most=None,
            meaning="Leaves out addresses of the interfaces named.",
            repeat=Repeat.ADDS,
        ),
    ),
    repeat=Repeat.ADDS,
)
