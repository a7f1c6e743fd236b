"""Numbers, durations and rcodes of a Corefile: each with its one reader, which notes what is wrong and gives back None.

Durations are Go's (`300ms`, `1.5h`, `1m30s`, `0`), since a Corefile is written for a Go program. Inside nodens they are
whole milliseconds; what is left over is rounded up, so that a short duration never becomes "off".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nodens.corefile import Word
    from nodens.problems import Problems

TTL_LIMIT_S = 2**31 - 1  # RFC 2181, 8: a TTL has 31 bits
DURATION_LIMIT_MS = (2**32 - 1) * 1000  # the engine keeps seconds in 32 bits; 136 years
CAPACITY_LIMIT = 2**24  # entries of one store; 16 million are 10 GB, more is a slip of the keyboard
COUNT_LIMIT = 2**31 - 1  # other whole numbers
PORT_LIMIT = 65_535
NUMBER_LENGTH_LIMIT = 24  # digits and units we look at; longer words are not worth converting

_UNIT_NS = {
    "ns": 1,
    "us": 1_000,
    "\u00b5s": 1_000,  # the micro sign
    "\u03bcs": 1_000,  # the Greek letter
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)")

RCODES = {
    "NOERROR": 0,
    "FORMERR": 1,
    "SERVFAIL": 2,
    "NXDOMAIN": 3,
    "NOTIMP": 4,
    "NOTIMPL": 4,  # an old spelling that CoreDNS takes
    "REFUSED": 5,
    "YXDOMAIN": 6,
    "YXRRSET": 7,
    "NXRRSET": 8,
    "NOTAUTH": 9,
    "NOTZONE": 10,
    "DSOTYPENI": 11,
    "BADSIG": 16,
    "BADVERS": 16,
    "BADKEY": 17,
    "BADTIME": 18,
    "BADMODE": 19,
    "BADNAME": 20,
    "BADALG": 21,
    "BADTRUNC": 22,
    "BADCOOKIE": 23,
}


def is_number(text: str) -> bool:
    """Whether a word is a whole number, perhaps with a sign (so that `cache 30` is told from `cache example.org`)."""
    digits = text[1:] if text[:1] in {"+", "-"} else text
    return digits.isascii() and digits.isdecimal()


def parse_duration_ms(text: str) -> int | None:
    """Give a Go duration in milliseconds, rounded away from zero; None if it is none."""
    if len(text) > 2 * NUMBER_LENGTH_LIMIT:
        return None
    body = text[1:] if text[:1] in {"+", "-"} else text
    if body == "0":
        return 0
    total, position = 0, 0  # in parts of a nanosecond so small that every digit counts
    while part := _PART.match(body, position):
        whole, _, fraction = part[1].partition(".")
        total += int(whole + fraction) * _UNIT_NS[part[2]] * 10 ** (2 * NUMBER_LENGTH_LIMIT - len(fraction))
        position = part.end()
    if not body or position != len(body):
        return None
    whole_ms: int = -(-total // (1_000_000 * 10 ** (2 * NUMBER_LENGTH_LIMIT)))
    return -whole_ms if text.startswith("-") else whole_ms


def read_duration_ms(
    word: Word, problems: Problems, *, least_ms: int = 0, most_ms: int = DURATION_LIMIT_MS
) -> int | None:
    """Read a duration between two bounds."""
    duration_ms = parse_duration_ms(word.text)
    if duration_ms is None:
        hint = f"did you mean `{word.text}s`?" if is_number(word.text) else None
        problems.note(word.at, f"`{word.text}` is not a duration; expected one such as `30s` or `1m30s`", hint=hint)
        return None
    if duration_ms < least_ms:
        floor = "not negative" if least_ms == 0 else f"at least {render_duration(least_ms)}"
        problems.note(word.at, f"`{word.text}` is too short; expected a duration that is {floor}")
        return None
    if duration_ms > most_ms:
        problems.note(word.at, f"`{word.text}` is too long; expected at most {render_duration(most_ms)}")
        return None
    return duration_ms


def render_duration(duration_ms: int) -> str:
    """Write milliseconds as the shortest usual duration: `5m`, `30s`, `250ms`."""
    for unit, size_ms in (("h", 3_600_000), ("m", 60_000), ("s", 1_000)):
        if duration_ms and duration_ms % size_ms == 0:
            return f"{duration_ms // size_ms}{unit}"
    return f"{duration_ms}ms"


def read_count(word: Word, problems: Problems, what: str, *, least: int = 0, most: int = COUNT_LIMIT) -> int | None:
    """Read a whole number between two bounds; `what` says in the message what it counts."""
    text = word.text
    if not is_number(text):
        problems.note(word.at, f"`{text}` is not {what}; expected a whole number")
        return None
    number = int(text) if len(text) <= NUMBER_LENGTH_LIMIT else (-1 if text.startswith("-") else most + 1)
    if number < least:
        problems.note(word.at, f"`{text}` is too small for {what}; expected at least {least}")
        return None
    if number > most:
        problems.note(word.at, f"`{text}` is too large for {what}; expected at most {most}")
        return None
    return number


def read_ttl_s(word: Word, problems: Problems, *, least_s: int = 1) -> int | None:
    """Read a TTL in whole seconds."""
    if parse_duration_ms(word.text) and not is_number(word.text):
        problems.note(word.at, f"`{word.text}` is not a TTL; expected whole seconds, such as `30`")
        return None
    return read_count(word, problems, "a TTL", least=least_s, most=TTL_LIMIT_S)


def read_percent(word: Word, problems: Problems, *, least: int, most: int) -> int | None:
    """Read a percentage, written with its sign."""
    number = word.text.removesuffix("%")
    is_written = number != word.text and number.isascii() and number.isdecimal() and len(number) <= NUMBER_LENGTH_LIMIT
    if not is_written or not least <= int(number) <= most:
        problems.note(word.at, f"`{word.text}` is not a percentage here; expected `{least}%` to `{most}%`")
        return None
    return int(number)


def read_rcode(word: Word, problems: Problems) -> int | None:
    """Read an rcode by its name, in any case."""
    rcode = RCODES.get(word.text.upper())
    if rcode is None:
        problems.note(word.at, f"`{word.text}` is not an rcode; expected a name such as `NXDOMAIN` or `SERVFAIL`")
    return rcode
