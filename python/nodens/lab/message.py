"""DNS messages as values, composed to and parsed from the wire. The lab's own, so that the demo needs nothing else."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace

from nodens.errors import LabError
from nodens.lab.rdata import Reader, Writer, class_name, class_number, qualified, settled, type_name, type_number

RCODES = {
    "NOERROR": 0,
    "FORMERR": 1,
    "SERVFAIL": 2,
    "NXDOMAIN": 3,
    "NOTIMP": 4,
    "REFUSED": 5,
    "YXDOMAIN": 6,
    "NOTAUTH": 9,
    "BADVERS": 16,
    "BADCOOKIE": 23,
}
RCODE_NAMES = {number: name for name, number in RCODES.items()}
OPCODES = {"QUERY": 0, "IQUERY": 1, "STATUS": 2, "NOTIFY": 4, "UPDATE": 5}
FLAGS = {"qr": 0x8000, "aa": 0x0400, "tc": 0x0200, "rd": 0x0100, "ra": 0x0080, "z": 0x0040, "ad": 0x0020, "cd": 0x0010}
EDE_OPTION = 15  # RFC 8914
OPT = 41


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked. The name's spelling is kept."""

    name: str
    qtype: str = "A"
    qclass: str = "IN"

    def __str__(self) -> str:
        """Render as `name class type`."""
        return f"{self.name} {self.qclass} {self.qtype}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record; `text` is its data in presentation form."""

    name: str
    ttl_s: int
    rtype: str
    text: str
    rclass: str = "IN"

    def __str__(self) -> str:
        """Render as `name ttl type data`, the class only if it is not IN."""
        middle = "" if self.rclass == "IN" else f" {self.rclass}"
        return f"{self.name} {self.ttl_s}{middle} {self.rtype} {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edns:
    """What an OPT record says; the upper bits of the rcode stand in the message's own."""

    size: int = 1232
    version: int = 0
    is_do: bool = False
    z: int = 0
    options: tuple[tuple[int, bytes], ...] = ()

    @property
    def errors(self) -> tuple[tuple[int, str], ...]:
        """Give the extended errors: code and text."""
        return tuple(
            (int.from_bytes(data[:2], "big"), data[2:].decode("utf-8", "replace"))
            for code, data in self.options
            if code == EDE_OPTION
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A query or a response."""

    id: int = 0
    flags: frozenset[str] = frozenset({"rd"})
    opcode: int = 0
    rcode: str = "NOERROR"
    questions: tuple[Question, ...] = ()
    answers: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    edns: Edns | None = None
    trailing: bytes = field(default=b"", repr=False)

    @property
    def question(self) -> Question:
        """Give the only question."""
        if len(self.questions) != 1:
            raise LabError(f"a message with {len(self.questions)} questions")
        return self.questions[0]

    def response(self, rcode: str = "NOERROR", **changes: object) -> Message:
        """Answer this query: its ID, question, opcode, RD and CD; EDNS if it had some."""
        kept = self.flags & {"rd", "cd"}
        edns = Edns() if self.edns else None
        reply = replace(
            self, flags=kept | {"qr"}, rcode=rcode, answers=(), authority=(), additional=(), edns=edns, trailing=b""
        )
        return replace(reply, **changes)  # type: ignore[arg-type]  # field names are the caller's


def rcode_number(name: str) -> int:
    """Give the number of an rcode's name; decimal text is taken as it is."""
    if name in RCODES:
        return RCODES[name]
    if name.isdecimal():
        return int(name)
    raise LabError(f"`{name}` is not an rcode")


def query(name: str, qtype: str = "A", *, id: int = 0, edns: Edns | None = None, flags: str = "rd") -> Message:  # noqa: A002 - the header's own word
    """Make a query."""
    question = Question(name=qualified(name), qtype=qtype)
    return Message(id=id, questions=(question,), flags=frozenset(flags.split()), edns=edns)


def extended_error(code: int, text: str = "") -> tuple[int, bytes]:
    """Make an EDNS option that carries an extended error (RFC 8914)."""
    return (EDE_OPTION, struct.pack("!H", code) + text.encode())


def read_record(text: str) -> Record:
    """Read `name ttl [class] type data`."""
    words = text.split(maxsplit=4)
    rclass = "IN"
    if len(words) > 2 and words[2] in {"IN", "CH", "HS"}:  # noqa: PLR2004 - the third word
        rclass = words[2]
        name, ttl, _, rtype, data = words
    elif len(words) > 3:  # noqa: PLR2004 - name, ttl, type, data
        name, ttl, rtype, data = text.split(maxsplit=3)
    else:
        raise LabError(f"`{text}` is not a record; expected `name ttl type data`")
    if not ttl.isdecimal():
        raise LabError(f"`{text}` has no TTL after its name")
    type_number(rtype)
    return Record(name=qualified(name), ttl_s=int(ttl), rtype=rtype, text=settled(rtype, data), rclass=rclass)


def compose(message: Message, *, compresses: bool = True) -> bytes:
    """Give the bytes of a message."""
    rcode = rcode_number(message.rcode)
    bits = sum(FLAGS[flag] for flag in message.flags) | message.opcode << 11 | rcode & 15
    writer = Writer(compresses=compresses)
    sections = (message.answers, message.authority, message.additional)
    counts = [len(message.questions), *(len(section) for section in sections)]
    counts[3] += message.edns is not None
    writer.bytes += struct.pack("!HHHHHH", message.id, bits, *counts)
    for question in message.questions:
        writer.name(question.name)
        writer.bytes += struct.pack("!HH", type_number(question.qtype), class_number(question.qclass))
    for record in (record for section in sections for record in section):
        writer.name(record.name)
        writer.bytes += struct.pack("!HHI", type_number(record.rtype), class_number(record.rclass), record.ttl_s)
        writer.data(record.rtype, record.text)
    if message.edns:
        edns = message.edns
        options = b"".join(struct.pack("!HH", code, len(data)) + data for code, data in edns.options)
        bits = 0x8000 * edns.is_do | edns.z
        writer.bytes += (
            struct.pack("!BHHBBHH", 0, OPT, edns.size, rcode >> 4, edns.version, bits, len(options)) + options
        )
    return bytes(writer.bytes) + message.trailing


def parse(wire: bytes) -> Message:
    """Read a message; LabError if it cannot be one."""
    reader = Reader(wire)
    ident, bits, *counts = struct.unpack("!HHHHHH", reader.take(12))
    questions = tuple(
        Question(name=reader.name(), qtype=type_name(reader.number(2)), qclass=class_name(reader.number(2)))
        for _ in range(counts[0])
    )
    edns: Edns | None = None
    rcode = bits & 15
    sections: list[tuple[Record, ...]] = []
    for count in counts[1:]:
        records: list[Record] = []
        for _ in range(count):
            name, rtype, rclass, ttl = reader.name(), reader.number(2), reader.number(2), reader.number(4)
            if rtype == OPT:
                rcode |= (ttl >> 24) << 4
                edns = _read_edns(rclass, ttl, reader.take(reader.number(2)))
                continue
            named = type_name(rtype)
            records.append(
                Record(name=name, ttl_s=ttl, rtype=named, rclass=class_name(rclass), text=reader.data(named))
            )
        sections.append(tuple(records))
    return Message(
        id=ident,
        flags=frozenset(flag for flag, bit in FLAGS.items() if bits & bit),
        opcode=bits >> 11 & 15,
        rcode=RCODE_NAMES.get(rcode, str(rcode)),
        questions=questions,
        answers=sections[0],
        authority=sections[1],
        additional=sections[2],
        edns=edns,
        trailing=wire[reader.at :],
    )


def _read_edns(size: int, ttl: int, data: bytes) -> Edns:
    """Read what stands in an OPT record."""
    reader = Reader(data)
    options: list[tuple[int, bytes]] = []
    while reader.at < len(data):
        code, length = reader.number(2), reader.number(2)
        options.append((code, reader.take(length)))
    return Edns(size=size, version=ttl >> 16 & 255, is_do=bool(ttl & 0x8000), z=ttl & 0x7FFF, options=tuple(options))
