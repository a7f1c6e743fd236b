"""Tree -> text, as a person would have written it: four blanks a level, an empty line between blocks, few quotes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from nodens.corefile.tokens import BLANKS, ends_in_brace
from nodens.corefile.tree import Directive, Import, ServerBlock, Snippet, Word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nodens.corefile.tree import Corefile

INDENT = "    "
_MUST_BE_QUOTED = re.compile(rf'[{BLANKS}\r#]|^"|^$|^[{{}}]$')
_BEFORE_QUOTE = re.compile(r'(?<!\\)(\\*+)("|\Z)')


def render(tree: Corefile) -> str:
    """Write a whole tree; `parse` reads the same tree from it, but for the places."""
    parts: list[str] = []
    before: ServerBlock | Snippet | Import | None = None
    for item in tree.items:
        if before is not None and not (isinstance(item, Import) and isinstance(before, Import)):
            parts.append("\n")
        parts.append(render_item(item))
        before = item
    text = "".join(parts)
    return f"\ufeff{text}" if text.startswith("\ufeff") else text  # a reader drops the first one


def render_item(item: ServerBlock | Snippet | Import) -> str:
    """Write one block, snippet or import, with its last line break."""
    match item:
        case Import():
            return _line((item.word, *item.arguments), None, "")
        case Snippet():
            return _line((replace(item.name, text=f"({item.name.text})"),), item.directives, "")
        case ServerBlock():
            return _line(item.keys, item.directives, "")


def render_directive(directive: Directive, indent: str = "") -> str:
    """Write one directive with its body, each line behind `indent`, with its last line break."""
    return _line(directive.words, directive.body, indent)


def render_words(words: Sequence[Word]) -> str:
    """Write words that stand on one line."""
    return " ".join(_spell(words, is_open=False))


def _line(words: Sequence[Word], body: Sequence[Directive] | None, indent: str) -> str:
    """Write words and the body they open."""
    line = indent + " ".join(_spell(words, is_open=body is not None))
    if body is None:
        return f"{line}\n"
    inside = "".join(render_directive(directive, indent + INDENT) for directive in body)
    return f"{line} {{\n{inside}{indent}}}\n"


def _spell(words: Sequence[Word], *, is_open: bool) -> list[str]:
    """Write the words of a line, in quotes where they were or must be: no last word may end in a brace of its own."""
    spelled = []
    bare: list[str] = []  # since the last line break inside quotes
    for word in words:
        is_quoted = word.quoted or bool(_MUST_BE_QUOTED.search(word.text))
        spelled.append(_quote(word.text) if is_quoted else word.text)
        if "\n" in word.text:
            bare = []
        elif not is_quoted:
            bare.append(word.text)
    if not is_open and bare and spelled[-1] == bare[-1] and ends_in_brace(bare[-1], bare):
        spelled[-1] = _quote(words[-1].text)
    return spelled


def _quote(text: str) -> str:
    r"""Put a text in quotes.

    `\` before a quote or at the end comes in pairs; a lone one, which only a variable can bring there, is doubled.
    """

    def escape(match: re.Match[str]) -> str:
        slashes = match[1] + "\\" * (len(match[1]) % 2)
        return slashes + ('\\"' if match[2] else "")

    return f'"{_BEFORE_QUOTE.sub(escape, text)}"'
