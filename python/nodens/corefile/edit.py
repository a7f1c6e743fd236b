"""Changes to a text by the places of its words, so that its comments and its layout stay as they were written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nodens.corefile.tokens import end_of_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nodens.corefile.tree import Word
    from nodens.problems import Place


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Edit:
    """Put `text` in the place of the characters from `start` up to `end`."""

    start: int
    end: int
    text: str


class Layout:
    """Where the places of a text are, counted in characters from its start."""

    def __init__(self, text: str) -> None:
        """Find the starts of its lines."""
        self.text = text
        self._starts = [0, *(index + 1 for index, letter in enumerate(text) if letter == "\n")]

    def start(self, at: Place) -> int:
        """Give where a place begins."""
        return self._starts[at.line - 1] + at.column - 1

    def end(self, word: Word) -> int:
        """Give where a word ends, its closing quote included."""
        return end_of_word(self.text, self.start(word.at)) if word.quoted else self.start(word.at) + word.at.width

    def replacing(self, first: Word, last: Word, text: str) -> Edit:
        """Write `text` instead of all from one word to another; without any, the blanks before go too."""
        start = self.start(first.at)
        while not text and start and self.text[start - 1] in " \t":
            start -= 1
        return Edit(start=start, end=self.end(last), text=text)

    def after(self, word: Word, text: str) -> Edit:
        """Write `text` behind a word."""
        return Edit(start=self.end(word), end=self.end(word), text=text)

    def line(self, word: Word) -> Edit:
        """Take away the line that begins with a word, or the word alone if something stands before it."""
        start = self._starts[word.at.line - 1]
        if self.text[start : self.start(word.at)].strip():
            return self.replacing(word, word, "")
        end = self.text.find("\n", self.end(word)) + 1
        return Edit(start=start, end=end or len(self.text), text="")


def apply_edits(text: str, edits: Sequence[Edit]) -> str:
    """Do all edits at once; they must not overlap. Those at one spot are done in the order given."""
    parts = []
    done = 0
    for edit in sorted(edits, key=lambda edit: edit.start):
        parts += [text[done : edit.start], edit.text]
        done = edit.end
    return "".join((*parts, text[done:]))
