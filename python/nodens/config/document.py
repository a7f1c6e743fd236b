"""The directive table -> `docs/corefile.md`, so that the page cannot say anything else than the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodens.config.directives import DIRECTIVES, Repeat, RunTime

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nodens.config.directives import Option, Row

_HOW = {
    RunTime.LIVE: "while serving; nothing is interrupted",
    RunTime.REBIND: "while serving; only the sockets that change are opened or closed",
    RunTime.RESTART: "with a new process only",
}
_AGAIN = {
    Repeat.WRONG: "once in a block",
    Repeat.LAST_COUNTS: "the last one in a block counts",
    Repeat.ADDS: "as often as you like; each adds to the others",
}
_OPENING = """\
# The Corefile

Made from the directive table by `nodens.config.document()`; a test holds the two together.

A Corefile is a list of server blocks: keys (`cluster.local:53`, `10.0.0.0/24`, `.`), then directives between braces.
nodens reads the Corefile of CoreDNS and node-cache as it stands; `import`, snippets and `{$VARIABLES}` work as there.
Durations are Go's (`300ms`, `1m30s`), TTLs whole seconds. `nodens check FILE` prints every problem at once, with its
place.

A zone is served by the block with the longest key that fits. Keys that differ only in letter case are the same zone.
"""

_LATER = """\
## Known, not served yet

These directives of CoreDNS are refused with a sentence and their place: nobody runs without what they asked for.

| Directive | What it does in CoreDNS |
|---|---|\
"""


def document() -> str:
    """Write the page."""
    served = [row for _, row in sorted(DIRECTIVES.items()) if row.reader]
    later = [row for _, row in sorted(DIRECTIVES.items()) if not row.reader]
    parts = [_OPENING, "## Directives\n", "| Directive | What it does |\n|---|---|"]
    parts += [f"| [`{row.name}`](#{row.name}) | {_cell(row.summary)} |" for row in served]
    for row in served:
        parts += ["", *_section(row)]
    parts += ["", _LATER]
    parts += [f"| `{row.name}` | {_cell(row.summary)} |" for row in later]
    return "\n".join(parts) + "\n"


def _section(row: Row) -> Iterator[str]:
    """Write one directive."""
    yield f"### {row.name}\n"
    yield f"{row.summary}\n"
    yield "```text"
    if row.options:
        yield f"{row.syntax} {{"
        yield from (f"    {option.syntax}" for option in row.options if option.is_served)
        yield "}"
    else:
        yield row.syntax
    yield "```\n"
    if row.notes:
        yield f"{row.notes}\n"
    if row.default:
        yield f"- Default: {_code(row.default)}"
    yield f"- Used: {_AGAIN[row.repeat]}"
    yield f"- Changes at run time: {_HOW[row.change]}"
    if row.options:
        yield "\n| Option | Default | Meaning |\n|---|---|---|"
        yield from (_option(option) for option in row.options)


def _option(option: Option) -> str:
    """Write one option as a line of a table."""
    return f"| `{_cell(option.syntax)}` | {_cell(_code(option.default))} | {_cell(option.meaning)} |"


def _code(text: str) -> str:
    """Mark a default that is only words of a Corefile as code."""
    is_prose = not text or "`" in text or any(letter in text for letter in ",;(") or len(text) > len("10000 3600 5    ")
    return text if is_prose else f"`{text}`"


def _cell(text: str) -> str:
    """Keep a bar from ending a cell."""
    return text.replace("|", "\\|")
