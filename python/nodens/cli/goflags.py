"""Command lines as Go's `flag` package reads them: `-x v`, `-x=v`, `--x v`, `--x=v`; one table says it all.

One thing is read better: a switch also takes its value as the next word (`-setupiptables false`), where Go silently
stopped reading.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Value: TypeAlias = str | bool | int


class Kind(StrEnum):
    """What a flag takes; the value is the word that help shows for it."""

    SWITCH = ""
    TEXT = "string"
    WHOLE = "int"
    DURATION = "duration"
    SIZE = "size"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A row of the table. `shown` is the default as help prints it, where it differs. `same_as`: another spelling."""

    name: str
    kind: Kind
    default: Value
    help: str
    shown: str = ""
    same_as: str = ""


class FlagError(Exception):
    """A command line that cannot be read; the text is Go's own."""


class HelpAskedError(Exception):
    """`-h` or `-help` was given."""


TRUE: Final = {"1", "t", "T", "true", "TRUE", "True"}
FALSE: Final = {"0", "f", "F", "false", "FALSE", "False"}
_DURATION: Final = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h)")
_UNITS_NS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_SIZE: Final = re.compile(r"(\d+)([KMG]i?)?")
_SIZE_UNITS: Final = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}


def parse(table: Sequence[Flag], words: Sequence[str]) -> tuple[dict[str, Value], list[str]]:
    """Read a command line: values by flag name (aliases under the name they stand for), and what is left over."""
    flags = {flag.name: flag for flag in table}
    values = {flag.name: flag.default for flag in table if not flag.same_as}
    rest = list(words)
    while rest:
        word = rest[0]
        if len(word) < 2 or not word.startswith("-"):  # noqa: PLR2004 - a lone "-" is an argument
            break
        rest.pop(0)
        if word == "--":
            break
        name, has_value, text = word[2 if word.startswith("--") else 1 :].partition("=")
        if not name or name.startswith(("-", "=")):
            raise FlagError(f"bad flag syntax: {word}")
        flag = flags.get(name)
        if flag is None:
            if name in {"h", "help"}:
                raise HelpAskedError
            raise FlagError(f"flag provided but not defined: -{name}")
        given = _given(flag, text if has_value else None, rest)
        values[flag.same_as or flag.name] = given
    return values, rest


def _given(flag: Flag, text: str | None, rest: list[str]) -> Value:
    """The flag's value: after `=`, or the next word."""
    if flag.kind is Kind.SWITCH:
        if text is None and rest and rest[0].lower() in {"true", "false"}:
            text = rest.pop(0)
        return True if text is None else _switch(flag, text)
    if text is None:
        if not rest:
            raise FlagError(f"flag needs an argument: -{flag.name}")
        text = rest.pop(0)
    value: Value = _READERS[flag.kind](flag, text)
    return value


def _switch(flag: Flag, text: str) -> bool:
    """Read a switch."""
    if text in TRUE or text in FALSE:
        return text in TRUE
    raise FlagError(f'invalid boolean value "{text}" for -{flag.name}: parse error')


def _whole(flag: Flag, text: str) -> int:
    """Read a whole number."""
    if re.fullmatch(r"\d{1,9}", text):
        return int(text)
    raise FlagError(f'invalid value "{text}" for flag -{flag.name}: parse error')


def _duration_ms(flag: Flag, text: str) -> int:
    """Read a period in milliseconds. Bare numbers and `60ns` are seconds, as node-cache meant them."""
    if re.fullmatch(r"\d{1,9}(?:ns)?", text):
        seconds = int(text.removesuffix("ns"))
        if seconds:
            return seconds * 1000
    parts = _DURATION.findall(text)
    if parts and "".join(parts) == text:
        nanoseconds = sum(float(part.rstrip("nuµμmsh")) * _UNITS_NS[part.lstrip("0123456789.")] for part in parts)
        if nanoseconds >= _UNITS_NS["s"]:
            return int(nanoseconds // 1_000_000)
        raise FlagError(f'invalid value "{text}" for flag -{flag.name}: less than a second')
    raise FlagError(f'invalid value "{text}" for flag -{flag.name}: parse error')


def _size_bytes(flag: Flag, text: str) -> int:
    """Read a size as Kubernetes writes it."""
    if found := _SIZE.fullmatch(text):
        return int(found[1]) * _SIZE_UNITS[found[2] or ""]
    raise FlagError(f'invalid value "{text}" for flag -{flag.name}: expected bytes, such as 67108864 or 64Mi')


_READERS: Final = {
    Kind.TEXT: lambda _, text: text,
    Kind.WHOLE: _whole,
    Kind.DURATION: _duration_ms,
    Kind.SIZE: _size_bytes,
}


def render_flags(table: Sequence[Flag]) -> str:
    """Write the table as Go's PrintDefaults does: sorted, help indented, the default in brackets."""
    lines = []
    for flag in sorted(table, key=lambda flag: flag.name):
        head = f"  -{flag.name}" + (f" {flag.kind}" if flag.kind.value else "")
        shown = flag.shown or (f'"{flag.default}"' if flag.kind is Kind.TEXT and flag.default else "")
        if not shown and flag.default and flag.kind is not Kind.TEXT:
            shown = str(flag.default).lower()
        lines += [head, f"    \t{flag.help}" + (f" (default {shown})" if shown else "")]
    return "\n".join(lines) + "\n"
