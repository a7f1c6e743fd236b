"""The words that may follow a verb in a story: `over tcp`, `with edns 4096`, `within 2s`, `3 times`, ..."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from nodens.errors import LabError
from nodens.lab.message import FLAGS, OPCODES, Edns, Message, Question, extended_error
from nodens.lab.rdata import CLASSES, class_number, qualified, type_number

UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
SPOILS = (
    "wrong id",
    "wrong name",
    "wrong type",
    "wrong class",
    "header only",
    "garbage",
    "garbage after id",
    "not a response",
    "truncated",
    "uncompressed",
    "lower case",
    "twice",
)


@dataclass(slots=True, kw_only=True)
class Options:
    """What was said beside the verb; filled while reading, not changed after. None: not said."""

    question: Question | None = None
    transport: str = ""
    with_flags: set[str] = field(default_factory=set)
    without_flags: set[str] = field(default_factory=set)
    opcode: int = 0
    has_edns: bool | None = None
    edns_size: int | None = None
    version: int = 0
    is_do: bool = False
    options: list[tuple[int, bytes]] = field(default_factory=list)
    errors: list[tuple[int, ...]] = field(default_factory=list)
    has_no_errors: bool = False
    for_name: str = ""
    within_ms: int | None = None
    after_ms: int | None = None
    times: int = 1
    spoils: list[str] = field(default_factory=list)
    cut_at: int | None = None
    size_most: int | None = None
    is_spelled: bool = False
    is_first: bool = False
    lacks_do: bool = False
    lacks_options: list[int] = field(default_factory=list)

    @property
    def edns(self) -> Edns | None:
        """Give the OPT that a query with these options carries."""
        if not self.has_edns:
            return None
        size = 1232 if self.edns_size is None else self.edns_size
        return Edns(size=size, version=self.version, is_do=self.is_do, options=tuple(self.options))

    def query(self, ident: int) -> Message:
        """Make the query that these options say."""
        if self.question is None:
            raise LabError("a query without a question")
        flags = frozenset(({"rd"} | self.with_flags) - self.without_flags)
        return Message(id=ident, flags=flags, opcode=self.opcode, questions=(self.question,), edns=self.edns)


def read_duration_ms(word: str) -> int:
    """Read `250ms`, `31s`, `5m` or `1h`."""
    if not (found := re.fullmatch(r"([\d.]+)(ms|s|m|h)", word)):
        raise LabError(f"`{word}` is not a duration; expected such as `250ms` or `31s`")
    return int(float(found[1]) * UNITS_MS[found[2]])


def read_options(words: list[str], *, has_question: bool = False) -> Options:
    """Read all words; LabError at the first that means nothing."""
    options = Options()
    left = list(words)
    if has_question:
        name, qtype = left.pop(0), left.pop(0)
        type_number(qtype)
        qclass = left.pop(0) if left and (left[0] in CLASSES or left[0].startswith("CLASS")) else "IN"
        class_number(qclass)
        options.question = Question(name=qualified(name), qtype=qtype, qclass=qclass)
    while left:
        word = left.pop(0)
        if word.isdecimal() and left[:1] == ["times"]:
            options.times = int(word)
            left.pop(0)
        elif word == "with":
            _read_with(options, left)
        elif word == "without":
            _read_without(options, left)
        elif word == "as":
            _read_spoil(options, left)
        else:
            _read_word(options, word, left)
    return options


def _read_word(options: Options, word: str, left: list[str]) -> None:
    match word:
        case "over":
            options.transport = left.pop(0)
        case "for":
            options.for_name = qualified(left.pop(0))
        case "within":
            options.within_ms = read_duration_ms(left.pop(0))
        case "after":
            options.after_ms = read_duration_ms(left.pop(0))
        case "exactly":
            options.is_spelled = True
        case "first":
            options.is_first = True
        case "and" | ",":
            pass
        case _:
            raise LabError(f"`{word}` means nothing here")


def _read_with(options: Options, left: list[str]) -> None:  # noqa: C901, PLR0912 - one arm a word
    word = left.pop(0)
    if word in FLAGS:
        options.with_flags.add(word)
        return
    if word in {"edns", "do", "version", "option"}:
        options.has_edns = True
    match word:
        case "edns":
            if left and left[0].isdecimal():
                options.edns_size = int(left.pop(0))
        case "do":
            options.is_do = True
        case "version":
            options.version = int(left.pop(0))
        case "option":
            code = int(left.pop(0))
            data = b""
            if left and re.fullmatch(r"x\d+", left[0]):
                data = bytes(int(left.pop(0)[1:]))
            elif left and re.fullmatch("([0-9a-f]{2})+", left[0]):
                data = bytes.fromhex(left.pop(0))
            options.options.append((code, data))
        case "ede":
            options.errors.append(tuple(int(code) for code in left.pop(0).split("/")))
            options.options.append(extended_error(options.errors[-1][0]))
        case "opcode":
            named = left.pop(0)
            options.opcode = OPCODES[named] if named in OPCODES else int(named)
        case "size":
            if left[:2] != ["at", "most"]:
                raise LabError("expected `with size at most N`")
            options.size_most = int(left[2])
            del left[:3]
        case _:
            raise LabError(f"`with {word}` means nothing here")


def _read_without(options: Options, left: list[str]) -> None:
    word = left.pop(0)
    if word in FLAGS:
        options.without_flags.add(word)
    elif word == "edns":
        options.has_edns = False
    elif word == "ede":
        options.has_no_errors = True
    elif word == "do":
        options.is_do = False
        options.lacks_do = True
    elif word == "option":
        options.lacks_options.append(int(left.pop(0)))
    else:
        raise LabError(f"`without {word}` means nothing here")


def _read_spoil(options: Options, left: list[str]) -> None:
    if left[:2] == ["cut", "at"]:
        options.cut_at = int(left[2])
        del left[:3]
        return
    for spoil in sorted(SPOILS, key=len, reverse=True):
        words = spoil.split()
        if left[: len(words)] == words:
            options.spoils.append(spoil)
            del left[: len(words)]
            return
    raise LabError(f"`as {' '.join(left)}` means nothing here")
