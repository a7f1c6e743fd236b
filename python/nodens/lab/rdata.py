"""Record data between presentation text and wire, for the types the lab speaks; any other type as RFC 3597 hex."""

from __future__ import annotations

import ipaddress
import struct
from typing import TYPE_CHECKING

from nodens.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Callable

# Types and classes by name; an unknown number is written `TYPE123` or `CLASS5` (RFC 3597).
TYPES = {
    "A": 1,
    "NS": 2,
    "CNAME": 5,
    "SOA": 6,
    "PTR": 12,
    "HINFO": 13,
    "MX": 15,
    "TXT": 16,
    "AAAA": 28,
    "SRV": 33,
    "NAPTR": 35,
    "OPT": 41,
    "DS": 43,
    "RRSIG": 46,
    "NSEC": 47,
    "DNSKEY": 48,
    "SVCB": 64,
    "HTTPS": 65,
    "TSIG": 250,
    "IXFR": 251,
    "AXFR": 252,
    "ANY": 255,
}
CLASSES = {"IN": 1, "CH": 3, "HS": 4, "NONE": 254, "ANY": 255}
TYPE_NAMES = {number: name for name, number in TYPES.items()}
CLASS_NAMES = {number: name for name, number in CLASSES.items()}

# What stands in the data of each type: a (IPv4), 6 (IPv6), n (name), h and w (16 and 32 bits), s (strings).
LAYOUTS = {
    "A": "a",
    "AAAA": "6",
    "NS": "n",
    "CNAME": "n",
    "PTR": "n",
    "MX": "hn",
    "SRV": "hhhn",
    "SOA": "nnwwwww",
    "TXT": "s",
}
POINTER_LIMIT = 64  # jumps in one name; a loop is found by it


def type_number(name: str) -> int:
    """Give the number of a type's name, also of `TYPE65400`."""
    if name in TYPES:
        return TYPES[name]
    if name.startswith("TYPE") and name[4:].isdecimal():
        return int(name[4:])
    raise LabError(f"`{name}` is not a record type")


def type_name(number: int) -> str:
    """Give the name of a type's number."""
    return TYPE_NAMES.get(number, f"TYPE{number}")


def class_number(name: str) -> int:
    """Give the number of a class's name, also of `CLASS5`."""
    if name in CLASSES:
        return CLASSES[name]
    if name.startswith("CLASS") and name[5:].isdecimal():
        return int(name[5:])
    raise LabError(f"`{name}` is not a class")


def class_name(number: int) -> str:
    """Give the name of a class's number."""
    return CLASS_NAMES.get(number, f"CLASS{number}")


def qualified(name: str) -> str:
    """Add the final dot if it is missing."""
    return name if name.endswith(".") else name + "."


def settled(rtype: str, text: str) -> str:
    """Write data as reading it from the wire would: names in full, one space between words."""
    layout = LAYOUTS.get(rtype)
    if layout is None or layout == "s":
        return text
    words = text.split()
    if len(words) != len(layout):
        raise LabError(f"`{text}` is not the data of {rtype}")
    return " ".join(qualified(word) if kind == "n" else word for kind, word in zip(layout, words, strict=True))


def split_labels(name: str) -> list[bytes]:
    r"""Split a name into its labels; `\.` and `\DDD` are undone."""
    labels: list[bytes] = []
    label = bytearray()
    at = 0
    text = name.encode("latin-1")
    while at < len(text):
        if text[at] == ord("\\"):
            digits = text[at + 1 : at + 4]
            if len(digits) == 3 and digits.isdigit():  # noqa: PLR2004 - \DDD has three
                label.append(int(digits))
                at += 4
            else:
                label += text[at + 1 : at + 2]
                at += 2
        elif text[at] == ord("."):
            labels.append(bytes(label))
            label.clear()
            at += 1
        else:
            label.append(text[at])
            at += 1
    if label:
        labels.append(bytes(label))
    return [label for label in labels if label]


def render_label(label: bytes) -> str:
    """Write a label so that `split_labels` reads it back."""
    return "".join(
        f"\\{chr(byte)}" if byte in b".\\" else chr(byte) if 0x21 <= byte <= 0x7E else f"\\{byte:03d}"  # noqa: PLR2004 - ASCII
        for byte in label
    )


class Writer:
    """Bytes of a message under way, and where names stand in it, for compression (folded, as RFC 1035 lets us)."""

    def __init__(self, *, compresses: bool) -> None:
        """Start empty."""
        self.bytes = bytearray()
        self._compresses = compresses
        self._places: dict[tuple[bytes, ...], int] = {}

    def name(self, name: str) -> None:
        """Write a name, with a pointer to an earlier spelling that is the same to the letter."""
        labels = split_labels(name)
        for index in range(len(labels)):
            suffix = tuple(labels[index:])
            place = self._places.get(suffix)
            if self._compresses and place is not None:
                self.bytes += struct.pack("!H", 0xC000 | place)
                return
            if len(self.bytes) < 0x4000:  # noqa: PLR2004 - as far as a pointer reaches
                self._places.setdefault(suffix, len(self.bytes))
            self.bytes.append(len(labels[index]))
            self.bytes += labels[index]
        self.bytes.append(0)

    def data(self, rtype: str, text: str) -> None:
        """Write a record's data with its length before it."""
        start = len(self.bytes)
        self.bytes += b"\0\0"
        self._fields(rtype, text)
        self.bytes[start : start + 2] = struct.pack("!H", len(self.bytes) - start - 2)

    def _fields(self, rtype: str, text: str) -> None:
        if text.startswith("\\#"):
            self.bytes += bytes.fromhex("".join(text.split()[2:]))
            return
        layout = LAYOUTS.get(rtype)
        if layout is None:
            raise LabError(f"{rtype}: its data is written as `\\# LENGTH HEX`")
        if layout == "s":
            for part in text.split('"')[1::2] if '"' in text else text.split():
                self.bytes.append(len(part))
                self.bytes += part.encode()
            return
        for kind, word in zip(layout, text.split(), strict=True):
            match kind:
                case "a":
                    self.bytes += ipaddress.IPv4Address(word).packed
                case "6":
                    self.bytes += ipaddress.IPv6Address(word).packed
                case "n":
                    self.name(word)
                case "h":
                    self.bytes += struct.pack("!H", int(word))
                case _:
                    self.bytes += struct.pack("!I", int(word))


class Reader:
    """A message being read; every step checks that the bytes are there."""

    def __init__(self, message: bytes) -> None:
        """Start at the first byte."""
        self.message = message
        self.at = 0

    def take(self, count: int) -> bytes:
        """Give the next bytes."""
        if self.at + count > len(self.message):
            raise LabError(f"message ends at {len(self.message)}; wanted {count} bytes at {self.at}")
        self.at += count
        return self.message[self.at - count : self.at]

    def number(self, size: int) -> int:
        """Give the next big-endian number."""
        return int.from_bytes(self.take(size), "big")

    def name(self) -> str:
        """Give the next name, pointers followed."""
        labels: list[str] = []
        after: int | None = None
        for _ in range(128 + POINTER_LIMIT):
            length = self.number(1)
            if length >= 0xC0:  # noqa: PLR2004 - a pointer
                target = (length & 0x3F) << 8 | self.number(1)
                after = self.at if after is None else after
                self.at = target
            elif length:
                labels.append(render_label(self.take(length)))
            else:
                self.at = self.at if after is None else after
                return ".".join(labels) + "."
        raise LabError(f"a name at {self.at} has no end")

    def data(self, rtype: str) -> str:
        """Give a record's data as text; the length stands before it."""
        length = self.number(2)
        end = self.at + length
        layout = LAYOUTS.get(rtype)
        if layout is None:
            raw = self.take(length)
            return f"\\# {length} {raw.hex()}".rstrip()
        words: list[str] = []
        if layout == "s":
            while self.at < end:
                words.append('"' + self.take(self.number(1)).decode("latin-1") + '"')
        else:
            words = [self._field(kind) for kind in layout]
        if self.at != end:
            raise LabError(f"{rtype}: data ends at {self.at}; its length says {end}")
        return " ".join(words)

    def _field(self, kind: str) -> str:
        readers: dict[str, Callable[[], str]] = {
            "a": lambda: str(ipaddress.IPv4Address(self.take(4))),
            "6": lambda: str(ipaddress.IPv6Address(self.take(16))),
            "n": self.name,
            "h": lambda: str(self.number(2)),
            "w": lambda: str(self.number(4)),
        }
        return readers[kind]()
