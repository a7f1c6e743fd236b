"""Readers of words on a command line: what cannot be read is told in our grammar, not in argparse's."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Word = TypeVar("_Word", bound=str)


def one_of(what: str, *known: _Word) -> Callable[[str], _Word]:
    """Read one of some words."""

    def read(word: str) -> _Word:
        for each in known:
            if each == word:
                return each
        raise ArgumentTypeError(f"`{word}` is not {what}; expected one of: {', '.join(known)}")

    return read


def read_whole(word: str) -> int:
    """Read a whole number, which may be below nothing."""
    digits = word.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()):
        raise ArgumentTypeError(f"`{word}` is not a whole number; expected such as 40")
    return int(word)


def read_seconds(word: str) -> float:
    """Read a number of seconds."""
    try:
        return float(word)
    except ValueError:
        raise ArgumentTypeError(f"`{word}` is not a number of seconds; expected such as 2 or 0.5") from None
