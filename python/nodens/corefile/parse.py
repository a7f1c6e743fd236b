"""Words -> tree. Says everything that is wrong in one go: after each problem it goes on where a person would.

file      := { block | snippet | import }
block     := key { [","] key } "{" lines "}"        or, as the last thing in a file, keys and lines without braces
snippet   := "(" name ")" "{" lines "}"
line      := word { word } [ "{" lines "}" ]        `{` ends a line, `}` stands alone on one
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nodens.corefile.tokens import read_words
from nodens.corefile.tree import Braces, Corefile, Directive, Import, ServerBlock, Snippet, Word
from nodens.problems import Place

if TYPE_CHECKING:
    from nodens.problems import Problems

DEPTH_LIMIT = 16  # bodies within bodies; no directive needs more than two, and recursion must have an end

EXAMPLE = "a block is `.:53 {`, then directives such as `forward . /etc/resolv.conf`, one a line, then `}`"


def parse(text: str, file: str, problems: Problems) -> Corefile | None:
    """Read a whole Corefile. A tree that comes back beside noted problems is only good for finding more of them.

    Nothing comes back when the rest of the file cannot be trusted: there is no block, or a brace is never closed.
    """
    reader = _Reader(text, file, problems)
    items = reader.items()
    if not items and not problems.are_fatal:
        problems.note(Place(file=file), "the file holds no server block; expected at least one", hint=EXAMPLE)
    return Corefile(file=file, items=items) if items and not reader.is_lost else None


def parse_imported(text: str, file: str, problems: Problems) -> Corefile:
    """Read a file that is imported at the top of another: it may be empty."""
    return Corefile(file=file, items=_Reader(text, file, problems).items())


def parse_lines(text: str, file: str, problems: Problems) -> tuple[Directive, ...]:
    """Read a file that is imported inside a block: directives alone."""
    return _Reader(text, file, problems).lines_of_file()


def parse_keys(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """Take the commas off the words of a key list."""
    keys = []
    for word in words:
        text = word.text.rstrip(",")
        if text == word.text:
            keys.append(word)
        elif text:
            keys.append(replace(word, text=text, at=replace(word.at, width=word.at.width - len(word.text) + len(text))))
    return tuple(keys)


class _Reader:
    """Goes through the words of one file, once."""

    def __init__(self, text: str, file: str, problems: Problems) -> None:
        """Cut the text into words."""
        self._problems = problems
        self._words = read_words(text, file, problems)
        self._next = 0
        self._closed: Word | None = None  # the last `}` of a block, for a stray one after it
        self._askew: tuple[Word, Word] | None = None  # the first pair of braces that do not stand under each other
        self._unbraced: Word | None = None  # the key of a block without `{`
        self.is_lost = False

    # ------------ the top of a file ------------

    def items(self) -> tuple[ServerBlock | Snippet | Import, ...]:
        """Read blocks, snippets and imports to the end of the file."""
        items: list[ServerBlock | Snippet | Import] = []
        while (word := self._peek()) is not None:
            if _is_brace(word, "}"):
                self._refuse_stray(self._take())
            elif word.text == "import" and self._starts_line():
                name, *arguments = self._line()
                items.append(Import(word=name, arguments=tuple(arguments)))
            elif (item := self._block()) is not None:
                items.append(item)
        return tuple(items)

    def _block(self) -> ServerBlock | Snippet | None:
        """Read a block or snippet; give nothing for one that has no keys or no body."""
        keys, wants_more = self._keys()
        name = self._snippet_name(keys)
        opening = self._peek()
        if opening is None or _is_brace(opening, "}"):
            if keys and not wants_more:
                what = f"nothing follows `{keys[-1].text}`; expected `{{` and directives"
                self._problems.note(keys[-1].at, what, hint=EXAMPLE)
            return None
        if not _is_brace(opening, "{"):
            if name:
                self._problems.note(name.at, f"the snippet `{name.text}` has no `{{`; expected it on this line")
            self._unbraced = keys[0] if keys else None
            lines, _ = self._body(None, 0)
            return ServerBlock(keys=keys, directives=lines) if keys and not name else None
        if not keys:
            self._problems.note(opening.at, "the block has no key; expected a zone before `{`, such as `.:53`")
        elif self._starts_line():
            what = "`{` stands on a line of its own; expected at the end of the line with the keys"
            self._problems.warn(opening.at, what)
        lines, braces = self._body(self._take(), 1)
        if name:
            return Snippet(name=name, directives=lines)
        return ServerBlock(keys=keys, directives=lines, braces=braces) if keys else None

    def _keys(self) -> tuple[tuple[Word, ...], bool]:
        """Read keys up to the brace or, where no comma asks for more, up to the end of the line.

        Tells too whether the last one ended in a comma, which has then been noted.
        """
        words: list[Word] = []
        wants_more = False
        while (word := self._peek()) is not None and not _is_brace(word):
            if words and self._starts_line():
                if not wants_more:
                    break
                if word.text == "import":
                    self._problems.note(word.at, "`import` stands inside a list of keys; expected a key")
            words.append(self._take())
            text = word.text.rstrip(",")
            wants_more = text != word.text
            if wants_more and text in {"{", "}", "import"}:
                self._problems.note(word.at, f"`{word.text}` is no key; expected a zone, such as `.:53`")
            elif not word.text:
                self._problems.note(word.at, "a key is empty; expected a zone, such as `.:53`")
            elif "," in text:
                hint = "to serve several zones, put a blank after each comma"
                self._problems.warn(word.at, f"`{word.text}` is read as one key, comma and all", hint=hint)
        if wants_more:
            what = f"`{words[-1].text}` ends in a comma; expected another key after it"
            self._problems.note(words[-1].at, what)
        return parse_keys(tuple(words)), wants_more

    def _snippet_name(self, keys: tuple[Word, ...]) -> Word | None:
        """Give the name between the parentheses, if these keys are the head of a snippet."""
        if not keys or not (keys[0].text.startswith("(") and keys[0].text.endswith(")")):
            return None
        head = keys[0]
        if len(keys) > 1:
            what = f"`{keys[1].text}` follows the snippet's name; expected `{{`"
            self._problems.note(keys[1].at, what)
        if head.text == "()":
            self._problems.note(head.at, "the snippet has no name; expected one between `(` and `)`")
        inset = 0 if head.quoted else 1
        at = replace(head.at, column=head.at.column + inset, width=max(head.at.width - 2 * inset, 1))
        return replace(head, text=head.text[1:-1], at=at)

    # ------------ inside a block ------------

    def lines_of_file(self) -> tuple[Directive, ...]:
        """Read directives to the end of the file, past stray braces."""
        lines: list[Directive] = []
        while self._peek() is not None:
            lines += self._body(None, 1)[0]
        return tuple(lines)

    def _body(self, opening: Word | None, depth: int) -> tuple[tuple[Directive, ...], Braces | None]:
        """Read lines up to the brace that closes `opening`; without one, up to the end of the file."""
        lines: list[Directive] = []
        while (word := self._peek()) is not None:
            if _is_brace(word, "}"):
                if opening is None:
                    self._refuse_stray(self._take())
                    return tuple(lines), None
                self._close(opening)
                return tuple(lines), Braces(opens=opening.at, closes=word.at)
            if _is_brace(word, "{"):
                what = "`{` follows nothing that could have a body; expected it at the end of a directive's line"
                self._problems.note(word.at, what)
                self._nested(depth)
                continue
            before = self._words[self._next - 1]
            if _is_brace(before, "}") and not self._starts_line():
                self._problems.note(word.at, f"`{word.text}` follows `}}` on its line; expected a line of its own")
            lines.append(self._directive(depth))
        if opening is not None:
            self._refuse_unclosed(opening)
        return tuple(lines), None

    def _directive(self, depth: int) -> Directive:
        """Read a line, and the body it opens."""
        name, *arguments = self._line()
        opening = self._peek()
        if opening is None or self._starts_line() or not _is_brace(opening, "{"):
            return Directive(name=name, arguments=tuple(arguments))
        body, braces = self._nested(depth)
        return Directive(name=name, arguments=tuple(arguments), body=body, braces=braces)

    def _nested(self, depth: int) -> tuple[tuple[Directive, ...], Braces | None]:
        """Read the body that opens here, or pass over it when it is too deep."""
        opening = self._take()
        if depth < DEPTH_LIMIT:
            return self._body(opening, depth + 1)
        what = f"bodies within bodies are over the limit of {DEPTH_LIMIT}"
        self._problems.note(opening.at, what)
        open_braces = 1
        while open_braces and self._peek() is not None:
            word = self._take()
            open_braces += _is_brace(word, "{") - _is_brace(word, "}")
        self.is_lost = True
        return (), None

    def _line(self) -> list[Word]:
        """Take the word that comes and all that follow it on its line, up to a brace."""
        line = [self._take()]
        while (word := self._peek()) is not None and not self._starts_line() and not _is_brace(word):
            line.append(self._take())
        return line

    # ------------ braces that are wrong ------------

    def _close(self, opening: Word) -> None:
        """Take the `}` that closes `opening`; it may share its line with nothing but `opening`."""
        before = self._words[self._next - 1]
        is_alone = self._starts_line()
        closing = self._take()
        if not is_alone and before is not opening:
            what = f"`}}` shares its line with `{before.text}`; expected it on a line of its own"
            self._problems.note(closing.at, what, hint=f"it closes the `{{` at {_spot(opening)}")
        elif is_alone and self._askew is None and closing.at.column < _indent(opening):
            self._askew = (opening, closing)
        self._closed = closing

    def _refuse_stray(self, closing: Word) -> None:
        """Note a `}` that closes nothing."""
        hint = f"the block before it was closed at {_spot(self._closed)}" if self._closed else None
        if self._unbraced:
            hint = f"the block of `{self._unbraced.text}` at {_spot(self._unbraced)} has no `{{`"
        what = "`}` closes nothing; expected a key here, or `{` at the end of an earlier line"
        self._problems.note(closing.at, what, hint=hint)

    def _refuse_unclosed(self, opening: Word) -> None:
        """Note a `{` that the file's end leaves open."""
        self.is_lost = True
        hint = None
        if self._askew:
            inner, closing = self._askew
            hint = f"the `}}` at {_spot(closing)} closes the `{{` at {_spot(inner)}; perhaps one is missing before it"
        self._problems.note(opening.at, "`{` is never closed; expected `}` on a line of its own", hint=hint)

    # ------------ the words ------------

    def _peek(self) -> Word | None:
        """Give the word that comes next, if any."""
        return self._words[self._next] if self._next < len(self._words) else None

    def _take(self) -> Word:
        """Go past the word that comes next."""
        self._next += 1
        return self._words[self._next - 1]

    def _starts_line(self) -> bool:
        """Tell whether the next word is the first of its line; a quoted word may span several."""
        if not self._next:
            return True
        before = self._words[self._next - 1]
        return before.at.line + before.text.count("\n") < self._words[self._next].at.line


def _is_brace(word: Word, brace: str = "{}") -> bool:
    """Tell whether a word is one of these braces, standing alone and bare."""
    return not word.quoted and len(word.text) == 1 and word.text in brace


def _spot(word: Word) -> str:
    """Give line and column, for a hint about the same file."""
    return f"{word.at.line}:{word.at.column}"


def _indent(word: Word) -> int:
    """Give the column at which a word's line begins; its own column when the line is too long to be kept."""
    source = word.at.source
    return len(source) - len(source.lstrip()) + 1 if source else word.at.column
