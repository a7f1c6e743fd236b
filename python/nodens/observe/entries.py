"""Entries of a cache as they are told to a person: filtered, sorted, as a table. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_NAME_WIDTH: Final = 60  # a longer name moves its own line only


class EntryKind(StrEnum):
    """What sort of answer it is."""

    SUCCESS = "success"
    DENIAL = "denial"
    FAILURE = "failure"


class EntryOrder(StrEnum):
    """By what a table is sorted."""

    NAME = "name"
    TTL = "ttl"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One answer that a cache holds."""

    block: str
    zones: str
    qname: str
    qtype: str
    qclass: str
    kind: EntryKind
    rcode: str
    is_do: bool
    is_cd: bool
    remaining_s: int
    lifetime_s: int
    size_bytes: int

    @property
    def is_stale(self) -> bool:
        """Whether its lifetime is over; it is given out only while no upstream answers."""
        return self.remaining_s <= 0

    @property
    def result(self) -> str:
        """Say what it says: `answer`, or the denial or failure by name."""
        if self.kind is EntryKind.SUCCESS:
            return "answer"
        return "NODATA" if self.rcode == "NOERROR" else self.rcode

    def plain(self) -> dict[str, object]:
        """Write it for JSON."""
        return {
            "qname": self.qname,
            "qtype": self.qtype,
            "qclass": self.qclass,
            "zones": self.zones,
            "block": self.block,
            "kind": self.kind.value,
            "result": self.result,
            "rcode": self.rcode,
            "do": self.is_do,
            "cd": self.is_cd,
            "stale": self.is_stale,
            "remaining_s": self.remaining_s,
            "lifetime_s": self.lifetime_s,
            "bytes": self.size_bytes,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFilter:
    """Which entries are wanted; what is empty wants all."""

    zone: str = ""
    qtype: str = ""
    glob: str = ""
    kind: EntryKind | None = None

    def wants(self, entry: Entry) -> bool:
        """Whether it is one of them."""
        zone, glob = _absolute(self.zone), _absolute(self.glob)
        return (
            (not self.zone or zone in {".", entry.qname} or entry.qname.endswith(f".{zone}"))
            and (not self.qtype or entry.qtype == self.qtype.upper())
            and (not self.glob or fnmatchcase(entry.qname, glob) or fnmatchcase(entry.qname, self.glob.lower()))
            and self.kind in {None, entry.kind}
        )


def read_entry(block: str, zones: str, row: Sequence[Any]) -> Entry:
    """Read a row as it was sent. Raises ValueError or TypeError for one that is not ours."""
    qname, qtype, qclass, kind, rcode, is_do, is_cd, remaining_s, lifetime_s, size_bytes = row
    return Entry(
        block=_word(block),
        zones=_word(zones),
        qname=_word(qname),
        qtype=_word(qtype),
        qclass=_word(qclass),
        kind=EntryKind(kind),
        rcode=_word(rcode),
        is_do=bool(is_do),
        is_cd=bool(is_cd),
        remaining_s=int(remaining_s),
        lifetime_s=int(lifetime_s),
        size_bytes=int(size_bytes),
    )


def sort_entries(entries: Iterable[Entry], order: EntryOrder) -> list[Entry]:
    """Sort: names by their ends (a zone stays together), TTLs least first, bytes most first."""
    numbers: dict[EntryOrder, Callable[[Entry], int]] = {
        EntryOrder.NAME: lambda _: 0,
        EntryOrder.TTL: lambda entry: entry.remaining_s,
        EntryOrder.BYTES: lambda entry: -entry.size_bytes,
    }
    return sorted(entries, key=lambda entry: (numbers[order](entry), _by_name(entry)))


def render_entries(entries: Sequence[Entry]) -> str:
    """Write a table."""
    head = ("NAME", "TYPE", "RESULT", "LEFT", "OF", "BYTES", "KEY", "ZONES")
    rows = [head, *map(_cells, entries)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    widths[0] = min(widths[0], _NAME_WIDTH)
    return "".join(_line(row, widths) for row in rows)


def _cells(entry: Entry) -> tuple[str, ...]:
    """Write the cells of a line."""
    qtype = entry.qtype if entry.qclass == "IN" else f"{entry.qclass}/{entry.qtype}"
    left = f"stale {-entry.remaining_s}s" if entry.is_stale else f"{entry.remaining_s}s"
    key = "+".join(word for word, holds in (("do", entry.is_do), ("cd", entry.is_cd)) if holds) or "-"
    first, *more = entry.zones.split(",")
    zones = f"{first} +{len(more)}" if more else first
    return entry.qname, qtype, entry.result, left, f"{entry.lifetime_s}s", str(entry.size_bytes), key, zones


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    """Write a line: words to the left, numbers to the right."""
    cells = [
        cell.rjust(width) if column in {3, 4, 5} else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return f"{'  '.join(cells).rstrip()}\n"


def _by_name(entry: Entry) -> tuple[object, ...]:
    """Sort by the labels from the last one on, then by the rest of the key."""
    return entry.qname.split(".")[::-1], entry.qtype, entry.qclass, entry.is_do, entry.is_cd, entry.kind, entry.zones


def _absolute(name: str) -> str:
    """Write a name as entries are: lower case, with the final dot."""
    return f"{name.lower().rstrip('.')}."


def _word(text: object) -> str:
    """Take a text that is safe on a terminal. Raises ValueError."""
    if not isinstance(text, str) or not text.isprintable():
        raise ValueError(f"{text!r} is not a name")
    return text
