"""JSON whose strings keep their places, for the kube-dns ConfigMap. Only what that needs: objects, arrays, strings."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nodens.corefile import Lines, Word
from nodens.problems import Place

if TYPE_CHECKING:
    from nodens.problems import Problems

_GAP = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()

DEPTH_LIMIT = 8  # values within values; the ConfigMap's have two, and recursion must have an end


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """`[...]`."""

    at: Place
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """`{...}`, with its names in the order written, perhaps more than once."""

    at: Place
    members: tuple[tuple[Word, Value], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """A number, `true`, `false` or `null`, as written."""

    at: Place
    text: str


def read_json(text: str, file: str, problems: Problems) -> Value | None:
    """Read one value and nothing after it; note where it stops being JSON and give back nothing."""
    reader = _Reader(text, file)
    if not text.strip():
        problems.note(Place(file=file), "the file is empty; expected JSON")
        return None
    try:
        return reader.whole()
    except _NotJsonError as error:
        problems.note(reader.place(error.offset), f"the text is not JSON from here on; expected {error.expected}")
        return None


class _NotJsonError(Exception):
    """Ends the reading at the first thing that is not JSON. Never leaves this file."""

    def __init__(self, offset: int, expected: str) -> None:
        """Keep where it is and what should be there."""
        super().__init__(expected)
        self.offset = offset
        self.expected = expected


class _Reader:
    """Goes through one text, once."""

    def __init__(self, text: str, file: str) -> None:
        """Start at the first character."""
        self._text = text
        self._lines = Lines(text, file)
        self._offset = 0

    def place(self, offset: int, width: int = 1) -> Place:
        """Give the place of an offset; it never lies before one asked for earlier."""
        return self._lines.place(offset, offset + width)

    def whole(self) -> Value:
        """Read the value that is the text."""
        value = self._value(0)
        if self._peek():
            raise _NotJsonError(self._offset, "nothing after the value")
        return value

    def _peek(self) -> str:
        """Go to the next character that is not blank, and give it; nothing at the end."""
        gap = _GAP.match(self._text, self._offset)
        self._offset = gap.end() if gap else self._offset
        return self._text[self._offset : self._offset + 1]

    def _pass(self, letters: str) -> str:
        """Go past one of these characters."""
        found = self._peek()
        if not found or found not in letters:
            raise _NotJsonError(self._offset, " or ".join(f"`{letter}`" for letter in letters))
        self._offset += 1
        return found

    def _value(self, depth: int) -> Value:
        """Read any value."""
        if depth > DEPTH_LIMIT:
            raise _NotJsonError(self._offset, f"no more than {DEPTH_LIMIT} values within values")
        first = self._peek()
        at = self.place(self._offset)
        if first == "[":
            return Array(at=at, values=tuple(self._array(depth)))
        if first == "{":
            return Object(at=at, members=tuple(self._object(depth)))
        if first == '"':
            return self._string()
        start = self._offset
        self._decode("a value")
        return Other(at=self.place(start, self._offset - start), text=self._text[start : self._offset])

    def _array(self, depth: int) -> list[Value]:
        """Read what stands between `[` and `]`."""
        values: list[Value] = []
        self._pass("[")
        if self._peek() == "]":
            self._pass("]")
            return values
        values.append(self._value(depth + 1))
        while self._pass(",]") == ",":
            values.append(self._value(depth + 1))
        return values

    def _object(self, depth: int) -> list[tuple[Word, Value]]:
        """Read what stands between `{` and `}`."""
        members: list[tuple[Word, Value]] = []
        self._pass("{")
        if self._peek() == "}":
            self._pass("}")
            return members
        members.append(self._member(depth))
        while self._pass(",}") == ",":
            members.append(self._member(depth))
        return members

    def _member(self, depth: int) -> tuple[Word, Value]:
        """Read a name and its value."""
        if self._peek() != '"':
            raise _NotJsonError(self._offset, "a name in quotes")
        name = self._string()
        self._pass(":")
        return name, self._value(depth + 1)

    def _string(self) -> Word:
        """Read a string; half a surrogate pair, which no name can hold, becomes a mark that none allows."""
        start = self._offset
        text = str(self._decode("a string closed by a quote on its line"))
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return Word(text=text, at=self.place(start, self._offset - start), quoted=True)

    def _decode(self, expected: str) -> object:
        """Read one string, number or word of JSON."""
        try:
            value, self._offset = _DECODER.raw_decode(self._text, self._offset)
        except ValueError as error:
            offset = getattr(error, "pos", self._offset)
            is_open = self._text[offset : offset + 1] == "\n"  # the caret is of more use where the string begins
            raise _NotJsonError(self._offset if is_open else offset, expected) from error
        return value


Value = Array | Object | Other | Word
