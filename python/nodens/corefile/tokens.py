"""Text -> words with their places: quotes, comments, white space. Knows no structure.

Lines end at a line feed alone; a carriage return outside quotes is nothing at all, so files with CRLF read the same.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from nodens.corefile.tree import Word
from nodens.problems import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nodens.problems import Problems

# What Go's unicode.IsSpace calls white space; Python's own idea has four control characters more.
BLANKS = "\t\n\v\f \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_GAP = re.compile(rf"(?:[{BLANKS}\r]|#[^\n]*)*")
_BARE = re.compile(rf"[^{BLANKS}#]+")
_QUOTED = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"', re.DOTALL)

SOURCE_LIMIT = 500  # characters; a caret under a longer line shows a person nothing


class Lines:
    """Turns growing offsets of one text into places."""

    def __init__(self, text: str, file: str) -> None:
        """Start before the first line."""
        self._text = text
        self._file = file
        self._number = 1
        self._start = 0
        self._seen = 0
        self._source = self._show(0)

    def place(self, offset: int, end: int) -> Place:
        """Give the place of `offset`, as wide as `end` allows on that line; offsets must never go back."""
        passed = self._text.count("\n", self._seen, offset)
        self._seen = offset
        if passed:
            self._number += passed
            self._start = self._text.rfind("\n", 0, offset) + 1
            self._source = self._show(self._start)
        line_end = self._text.find("\n", offset, end)
        width = (end if line_end < 0 else line_end) - offset
        column = offset - self._start + 1
        return Place(file=self._file, line=self._number, column=column, width=max(width, 1), source=self._source)

    def _show(self, start: int) -> str:
        """Give the line that begins at `start` as a terminal may show it: as wide, without control characters."""
        end = self._text.find("\n", start, start + SOURCE_LIMIT + 1)
        if end < 0:
            end = len(self._text)
        if end - start > SOURCE_LIMIT:
            return ""
        line = self._text[start:end].rstrip("\r")
        return "".join(letter if letter.isprintable() or letter == "\t" else "\ufffd" for letter in line)


def read_words(text: str, file: str, problems: Problems) -> tuple[Word, ...]:
    """Read all words of a text; note a quote that is never closed and go on in the next line."""
    return tuple(_unglue(list(_scan(text, file, problems)), problems))


def _scan(text: str, file: str, problems: Problems) -> Iterator[Word]:
    """Go through a text once, word by word."""
    lines = Lines(text, file)
    long_quote: Place | None = None
    offset = 1 if text.startswith("\ufeff") else 0
    while (offset := _end_of(_GAP, text, offset)) < len(text):
        if text[offset] != '"':
            end = _end_of(_BARE, text, offset)
            yield Word(text=text[offset:end].replace("\r", ""), at=lines.place(offset, end))
        elif closed := _QUOTED.match(text, offset):
            end = closed.end()
            word = Word(text=closed[1].replace('\\"', '"'), at=lines.place(offset, end), quoted=True)
            if "\n" in word.text:
                long_quote = word.at
                if _BARE.match(text, end):
                    what = "the quotes close on a later line, glued to a word; expected them to close on this line"
                    problems.warn(word.at, what)
            yield word
        else:
            end = text.find("\n", offset)
            end = len(text) if end < 0 else end
            hint = (
                f"the quote at {long_quote} closes on a later line; perhaps one is missing there"
                if long_quote
                else None
            )
            problems.note(lines.place(offset, offset + 1), 'the quote is never closed; expected another `"`', hint=hint)
            yield Word(text=text[offset + 1 : end].replace("\r", ""), at=lines.place(offset, end), quoted=True)
        offset = end


def _end_of(pattern: re.Pattern[str], text: str, offset: int) -> int:
    """Give the offset after what `pattern` matches here."""
    match = pattern.match(text, offset)
    return match.end() if match else offset


def _unglue(words: list[Word], problems: Problems) -> Iterator[Word]:
    """Part a brace from the word it is glued to at a line's end (`.:53{`), where the line shows it was meant as one.

    A glued `}` is parted in silence: the parser will say that it must stand alone on its line.
    """
    for _, group in groupby(words, key=lambda word: word.at.line):
        *before, last = group
        yield from before
        if last.quoted or not ends_in_brace(last.text, [word.text for word in (*before, last) if not word.quoted]):
            yield last
            continue
        kept = len(last.text) - 1
        if last.text.endswith("{") or last.text == "{}":
            brace = _part(last, kept, kept + 1)
            what = f"the brace is glued to `{last.text[:kept]}`; expected a blank before `{brace.text}`"
            problems.note(brace.at, what)
        else:
            while kept and surplus_braces(last.text[:kept]) < 0 and last.text[kept - 1] == "}":
                kept -= 1
        if kept:
            yield _part(last, 0, kept)
        for start in range(kept, len(last.text)):
            yield _part(last, start, start + 1)


def ends_in_brace(last: str, line: list[str]) -> bool:
    """Tell whether the last word of a line ends in a brace that was meant to stand alone: so the others leave it."""
    surplus = sum(map(surplus_braces, line))
    opens = surplus > 0 and last.endswith("{") and surplus_braces(last) > 0
    closes = surplus < 0 and last.endswith("}") and surplus_braces(last) < 0
    return len(last) > 1 and (opens or closes or last == "{}")


def surplus_braces(text: str) -> int:
    """Tell by how many braces a word opens more than it closes."""
    return text.count("{") - text.count("}")


def _part(word: Word, start: int, end: int) -> Word:
    """Cut a piece out of a bare word."""
    at = replace(word.at, column=word.at.column + start, width=end - start)
    return replace(word, text=word.text[start:end], at=at)


def end_of_word(text: str, offset: int) -> int:
    """Give where the quoted word ends that begins at `offset`."""
    return _end_of(_QUOTED, text, offset)
