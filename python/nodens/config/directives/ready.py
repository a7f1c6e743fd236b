"""`ready`: where readiness is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nodens.config.addresses import read_endpoint
from nodens.config.directives.grammar import Option, Repeat, Row, Uses, read_choice, read_options
from nodens.config.model import ReadyRules

if TYPE_CHECKING:
    from nodens.problems import Problems


def read(uses: Uses, problems: Problems) -> ReadyRules:
    """Read the last use."""
    use = uses[-1]
    rules = ReadyRules()
    if use.arguments and (endpoint := read_endpoint(use.arguments[0], problems)):
        rules = replace(rules, endpoint=endpoint)
    for line in read_options(use, ROW, problems):
        mode = read_choice(line.arguments[0], ["until-ready", "continuously"], "a way to monitor", problems)
        rules = replace(rules, is_continuous=mode == "continuously")
    return rules


ROW = Row(
    name="ready",
    summary="Answers `GET /ready`: 200 when queries are answered, else 503 with the reasons.",
    reader=read,
    field="ready",
    arguments="[HOST:PORT]",
    most=1,
    default=":8181",
    options=(
        Option(
            name="monitor",
            arguments="until-ready|continuously",
            least=1,
            most=1,
            default="until-ready",
            meaning="Whether readiness may be taken back.",
        ),
    ),
    repeat=Repeat.WRONG,
)
