"""`health`: where liveness is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nodens.config.addresses import read_endpoint
from nodens.config.directives.grammar import Option, Row, Uses, read_options
from nodens.config.model import HealthRules
from nodens.config.values import read_duration_ms

if TYPE_CHECKING:
    from nodens.problems import Problems

LAMEDUCK_LIMIT_MS = 3_600_000  # an hour; a longer stop is a hang


def read(uses: Uses, problems: Problems) -> HealthRules:
    """Read the last use."""
    use = uses[-1]
    rules = HealthRules()
    if use.arguments and (endpoint := read_endpoint(use.arguments[0], problems)):
        rules = replace(rules, endpoint=endpoint)
    for line in read_options(use, ROW, problems):
        lameduck_ms = read_duration_ms(line.arguments[0], problems, most_ms=LAMEDUCK_LIMIT_MS)
        rules = replace(rules, lameduck_ms=lameduck_ms or 0)
    return rules


ROW = Row(
    name="health",
    summary="Answers `GET /health` while the process is alive.",
    reader=read,
    field="health",
    arguments="[HOST:PORT]",
    most=1,
    default=":8080",
    options=(
        Option(
            name="lameduck",
            arguments="DURATION",
            least=1,
            most=1,
            default="0s",
            meaning="How long the process goes on serving after it was told to stop.",
        ),
    ),
)
