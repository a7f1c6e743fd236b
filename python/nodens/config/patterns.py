"""Regular expressions of a Corefile: RE2's, since a Corefile is written for Go; what RE2 lacks is refused.

Python's own compiler looks at a stand-in, in which the few spellings that only RE2 has are replaced. Whoever matches
with the pattern uses it as written, with an engine of RE2's kind: its time is linear in the text, whatever stands here.
That is the crate regex-lite today: what it lacks (Unicode classes, sets in brackets, a lone brace) is refused here too.
"""

from __future__ import annotations

import re
import sys
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nodens.corefile import Word
    from nodens.problems import Problems

PATTERN_LIMIT = 1_000  # letters; error texts are short, and each pattern is tried on each of them
REPEAT_LIMIT = 1_000  # RE2's own
NEST_LIMIT = 40  # the engine's is 50, and counts more than parentheses
UNFOLDED_LIMIT = 50_000  # letters times counted repetitions; far inside the engine's 10 MiB

_PLACE_ESCAPES = {"z": r"\Z", "A": r"\A", "b": r"\b", "B": r"\B"}
_PLAIN_ESCAPES = set("dDsSwWafnrtv")
_GROUP = re.compile(r"\(\?(?:P?<(?P<name>[A-Za-z_]\w*)>|(?P<flags>[imsU]*(?:-[imsU]+)?)(?P<end>[:)]))", re.ASCII)
_REPEAT = re.compile(r"\{([0-9]{1,9})(?:(,)([0-9]{0,9}))?\}")
_NAMED_CLASS = re.compile(r"\[:\^?[a-z]{1,10}:\]")


def read_pattern(word: Word, problems: Problems) -> str | None:
    """Read a regular expression; give it back as written."""
    fault = _fault(word.text)
    if fault is not None:
        problems.note(word.at, f"`{word.text}` is not a regular expression; {fault}")
        return None
    return word.text


def _fault(pattern: str) -> str | None:
    """Say what is wrong with a pattern, or None."""
    if not pattern:
        return "it is empty"
    if len(pattern) > PATTERN_LIMIT:
        return f"it is over {PATTERN_LIMIT} letters"
    try:
        stand_in = "".join(_Reader(pattern).parts())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            re.compile(stand_in)
    except ValueError as error:
        return str(error)
    except re.error as error:
        return error.msg
    except (OverflowError, RecursionError):
        return "it is nested too deeply"
    return None


class _Reader:
    """Goes through a pattern once, gives Python's spelling of each part, raises `ValueError` at what RE2 has not."""

    def __init__(self, pattern: str) -> None:
        """Start at the front."""
        self._pattern = pattern
        self._position = 0
        self._depth = 0
        self._unfolded = len(pattern)

    def parts(self) -> list[str]:
        """Give the stand-in, part by part."""
        parts = []
        after_repeat = False
        while self._position < len(self._pattern):
            letter = self._pattern[self._position]
            is_repeat = letter in "*+?" or bool(_REPEAT.match(self._pattern, self._position))
            if is_repeat and after_repeat and letter != "?":
                raise ValueError("a repetition follows a repetition")
            parts.append(self._repeat() if is_repeat else self._part(letter))
            # `a+?` is lazy, and nothing may repeat it again
            after_repeat = is_repeat
        return parts

    def _take(self, count: int) -> str:
        """Take so many letters."""
        taken = self._pattern[self._position : self._position + count]
        self._position += count
        return taken

    def _repeat(self) -> str:
        """Take one repetition."""
        counted = _REPEAT.match(self._pattern, self._position)
        if counted is None:
            return self._take(1)
        numbers = [int(number) for number in (counted[1], counted[3]) if number]
        if max(numbers) > REPEAT_LIMIT:
            raise ValueError(f"a repetition is over {REPEAT_LIMIT}")
        self._unfolded *= max(*numbers, 1)
        if self._unfolded > UNFOLDED_LIMIT:
            raise ValueError("its repetitions multiply to too much")
        return self._take(len(counted[0]))

    def _part(self, letter: str) -> str:
        """Take what stands here."""
        if letter == "\\":
            return self._escape()
        if letter == "[":
            return self._class()
        if letter == "{":
            raise ValueError("a brace that counts nothing is written `\\{`")
        self._depth += {"(": 1, ")": -1}.get(letter, 0)
        if self._depth > NEST_LIMIT:
            raise ValueError("it is nested too deeply")
        if self._pattern.startswith("(?", self._position):
            return self._group()
        return self._take(1)

    def _group(self) -> str:
        """Take the head of a group that is more than a parenthesis."""
        head = _GROUP.match(self._pattern, self._position)
        if head is None:
            raise ValueError("it has a group that RE2 lacks, such as a look-ahead")
        self._take(len(head[0]))
        if head["name"]:
            return f"(?P<{head['name']}>"
        if head["end"] == ")":
            self._depth -= 1
        return "(?:" if head["end"] == ":" else ""

    def _escape(self) -> str:
        """Take an escape outside brackets or inside."""
        self._take(1)
        letter = self._take(1)
        if not letter:
            raise ValueError("it ends in a lone backslash")
        if letter in "pP":
            raise ValueError(f"classes such as `\\{letter}L` are not served yet")
        if letter in "<>" or not letter.isascii():
            raise ValueError(f"`{letter}` needs no backslash")
        if letter == "x":
            return self._hexadecimal()
        if letter.isdecimal():
            raise ValueError(f"RE2 has no back-reference such as `\\{letter}`")
        if letter in _PLAIN_ESCAPES:
            return "\\" + letter
        if letter in _PLACE_ESCAPES:
            return _PLACE_ESCAPES[letter]
        if letter.isalpha():
            raise ValueError(f"RE2 has no escape `\\{letter}`")
        return re.escape(letter)

    def _hexadecimal(self) -> str:
        r"""Take `\x7F` or `\x{10FFFF}`, behind its `x`."""
        digits = re.compile(r"[0-9A-Fa-f]{2}|\{[0-9A-Fa-f]{1,6}\}").match(self._pattern, self._position)
        if digits is None or int(digits[0].strip("{}"), 16) > sys.maxunicode:
            raise ValueError(r"`\x` is not followed by hexadecimal digits")
        self._take(len(digits[0]))
        return "x"

    def _class(self) -> str:
        """Take a whole bracket, with its ranges."""
        parts = [self._take(1)]
        if self._pattern.startswith("^", self._position):
            parts.append(self._take(1))
        is_first = True
        while is_first or not self._pattern.startswith("]", self._position):
            if self._position >= len(self._pattern):
                raise ValueError("a bracket is not closed")
            named = _NAMED_CLASS.match(self._pattern, self._position)
            if named:
                self._take(len(named[0]))
                parts.append(r"\w")
            elif self._pattern.startswith("\\", self._position):
                if self._pattern[self._position + 1 : self._position + 2] in _PLACE_ESCAPES:
                    raise ValueError("an escape for a place, such as `\\b`, means nothing inside brackets")
                parts.append(self._escape())
            else:
                letter = self._take(1)
                if letter == "[" or (letter in "&-~" and self._pattern.startswith(letter, self._position)):
                    raise ValueError(f"inside brackets `{letter}` is written `\\{letter}`")
                parts.append(letter if letter == "-" else re.escape(letter))
            is_first = False
        return "".join([*parts, self._take(1)])
