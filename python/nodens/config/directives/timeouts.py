"""`timeouts`: how long clients' TCP connections may take, and how many queries they may carry."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nodens.config.directives.grammar import Option, Row, Uses, read_options
from nodens.config.model import TimeoutRules
from nodens.config.values import parse_duration_ms, read_count, read_duration_ms

if TYPE_CHECKING:
    from nodens.corefile import Word
    from nodens.problems import Problems

FLOOR_MS = 1_000
LIMIT_MS = 86_400_000
UNLIMITED = -1


def read(uses: Uses, problems: Problems) -> TimeoutRules:
    """Read the last use."""
    use = uses[-1]
    rules = TimeoutRules()
    if not use.body:
        problems.note(
            use.name.at, "`timeouts` sets nothing; expected a block with `read`, `write`, `idle` or `maxtcpqueries`"
        )
    for line in read_options(use, ROW, problems):
        word = line.arguments[0]
        match line.name.text:
            case "read":
                rules = replace(rules, read_ms=_timeout_ms(word, problems) or rules.read_ms)
            case "write":
                rules = replace(rules, write_ms=_timeout_ms(word, problems) or rules.write_ms)
            case "idle":
                rules = replace(rules, idle_ms=_timeout_ms(word, problems) or rules.idle_ms)
            case _:
                rules = replace(rules, max_tcp_queries=_queries(word, problems))
    return rules


def _timeout_ms(word: Word, problems: Problems) -> int | None:
    """Read a timeout; a bare number is seconds here."""
    seconds = word.text
    if seconds.isascii() and seconds.isdecimal() and (timeout_ms := parse_duration_ms(f"{seconds}s")) is not None:
        if FLOOR_MS <= timeout_ms <= LIMIT_MS:
            return timeout_ms
        problems.note(word.at, f"`{seconds}` seconds are no timeout; expected `1s` to `24h`")
        return None
    return read_duration_ms(word, problems, least_ms=FLOOR_MS, most_ms=LIMIT_MS)


def _queries(word: Word, problems: Problems) -> int:
    """Read a number of queries; -1 is no limit, which we write as 0."""
    if word.text == str(UNLIMITED):
        return 0
    return read_count(word, problems, "`maxtcpqueries`", least=1) or 0


def _timeout(name: str, default: str, meaning: str) -> Option:
    """Make the row of a timeout."""
    return Option(name=name, arguments="DURATION", least=1, most=1, default=default, meaning=meaning)


ROW = Row(
    name="timeouts",
    summary="Bounds for clients' TCP connections.",
    reader=read,
    field="timeouts",
    notes=(
        "1s to 24h; a bare number is seconds. Where several blocks share an address the last one counts. "
        "`maxtcpqueries` holds for the whole process: the smallest counts."
    ),
    options=(
        _timeout("read", "3s", "From accept to the first complete query."),
        _timeout("write", "5s", "For a response to be taken by the client."),
        _timeout("idle", "10s", "From a response to the next complete query."),
        Option(
            name="maxtcpqueries",
            arguments="COUNT",
            least=1,
            most=1,
            default="-1 (no limit)",
            meaning="Queries after which a connection is closed.",
        ),
    ),
)
