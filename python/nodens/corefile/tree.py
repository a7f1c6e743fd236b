"""The tree of a Corefile: what was written, with its places, and no meaning yet.

Corefile -> ServerBlock -> Directive -> Word
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nodens.problems import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One token: its text with quotes and escapes undone, and its place. `quoted` keeps how it was written."""

    text: str
    at: Place
    quoted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Braces:
    """Where a body opens and closes; for those who edit the text. Trees are equal without them."""

    opens: Place
    closes: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Directive:
    """A line of a block: name, arguments on the same line, and the nested lines between braces, if any.

    `body` is None without braces, `()` with empty ones; each line is a Directive again (`success 9984 30`).
    """

    name: Word
    arguments: tuple[Word, ...] = ()
    body: tuple[Directive, ...] | None = None
    braces: Braces | None = field(default=None, compare=False, repr=False)

    @property
    def words(self) -> tuple[Word, ...]:
        """The words of the line itself: name first."""
        return (self.name, *self.arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerBlock:
    """Keys (`cluster.local:53`, as written) and the directives that serve them."""

    keys: tuple[Word, ...]
    directives: tuple[Directive, ...] = ()
    braces: Braces | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """A named run of directives, `(name) { ... }`, to be spliced in by `import name`."""

    name: Word
    directives: tuple[Directive, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """An `import` that stands among the keys, at the top of a file."""

    word: Word
    arguments: tuple[Word, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Corefile:
    """A whole file. As parsed it may hold snippets and imports; after `expand` only server blocks are left."""

    file: str
    items: tuple[ServerBlock | Snippet | Import, ...] = ()

    @property
    def blocks(self) -> tuple[ServerBlock, ...]:
        """The server blocks, in file order."""
        return tuple(item for item in self.items if isinstance(item, ServerBlock))
