"""Tree -> Config, through the directive table. All problems of a file are noted in one run; nothing is raised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nodens.config.directives import DIRECTIVES, Repeat, check_use, did_you_mean
from nodens.config.model import Config, Server
from nodens.config.names import read_zone_keys
from nodens.problems import Place

if TYPE_CHECKING:
    from nodens.corefile import Corefile, Directive, ServerBlock, Word
    from nodens.problems import Problems

IMPORT = "import"  # spliced in by the parser; what is left of it could not be


def read(tree: Corefile, problems: Problems) -> Config | None:
    """Read an expanded tree; None if anything in it is wrong."""
    if not tree.blocks:
        hint = "a block looks like `.:53 { forward . /etc/resolv.conf }`, its braces on lines of their own"
        problems.note(Place(file=tree.file), "no server block; expected at least one", hint=hint)
    servers = [_read_block(tree.file, block, problems) for block in tree.blocks]
    return None if problems.are_fatal else Config(servers=tuple(servers))


def _read_block(file: str, block: ServerBlock, problems: Problems) -> Server:
    """Read one server block."""
    keys = [key for word in block.keys for key in read_zone_keys(word, problems) or ()]
    words = [*block.keys, *(directive.name for directive in block.directives)]
    at = words[0].at if words else Place(file=file)
    if not block.keys:
        problems.note(at, "a block has no zone; expected one before its brace, such as `.:53`")
    uses_by_name: dict[str, list[Directive]] = {}
    for directive in block.directives:
        uses_by_name.setdefault(directive.name.text, []).append(directive)
    fields: dict[str, Any] = {}
    for name, uses in uses_by_name.items():
        row = DIRECTIVES.get(name)
        if row is None or row.reader is None:
            for use in uses:
                _refuse(use.name, problems)
            continue
        check_use(row, tuple(uses), problems)
        # Where the last use counts the others are read as well, for their problems.
        together = [tuple(uses)] if row.repeat is Repeat.ADDS else [(use,) for use in uses]
        fields[row.field] = [row.reader(each, problems) for each in together][-1]
    return Server(keys=tuple(keys), at=at, places=_places(block), **fields)


def _refuse(word: Word, problems: Problems) -> None:
    """Say that a directive is known but not served, or not known at all."""
    if word.text in DIRECTIVES:
        problems.note(word.at, f"`{word.text}` is a CoreDNS plugin that nodens does not serve yet")
    elif word.text == IMPORT:
        problems.note(word.at, "`import` could not be resolved here")
    else:
        problems.note(word.at, f"`{word.text}` is not a directive", hint=did_you_mean(word.text, DIRECTIVES))


def _places(block: ServerBlock) -> tuple[tuple[str, Place], ...]:
    """Name where each directive and each of its options stands; of several the last."""
    places: dict[str, Place] = {}
    for directive in block.directives:
        places[directive.name.text] = directive.name.at
        for line in directive.body or ():
            places[f"{directive.name.text}.{line.name.text}"] = line.name.at
    return tuple(places.items())
