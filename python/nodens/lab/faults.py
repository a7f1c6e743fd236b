"""What an upstream can do to us: scripts for `Upstream`, and ways to spoil a message.

A script takes what was heard and gives acts. `answering(zone)` is the honest one; the others wrap or replace it.
"""

from __future__ import annotations

import itertools
import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from nodens.lab.message import EDE_OPTION, Edns, Record, compose, extended_error, parse
from nodens.lab.rdata import Reader
from nodens.lab.script import Act, Close, Heard, Reset, Script, Send
from nodens.lab.zone import Zone, respond_from, udp_limit

HEADER_BYTES = 12

Spoiler = Callable[[bytes], bytes]

# ------------ Scripts ------------


def answering(*zones: Zone) -> Script:
    """Answer from zones, honestly; TC over UDP when it does not fit."""

    def script(heard: Heard) -> Iterable[Act]:
        limit = udp_limit(heard.wire) if heard.transport == "udp" else 65535
        return [Send(wire=wire)] if (wire := respond_from(zones, heard.wire, size_limit=limit)) else []

    return script


def answering_with(*records: Record, rcode: str = "NOERROR", flags: str = "qr rd ra") -> Script:
    """Answer every question with the same records, whatever their names."""

    def script(heard: Heard) -> Iterable[Act]:
        query = heard.message
        return [Send(wire=compose(query.response(rcode, answers=records, flags=frozenset(flags.split()))))]

    return script


def silent(_heard: Heard) -> Iterable[Act]:
    """Say nothing."""
    return []


def closing(_heard: Heard) -> Iterable[Act]:
    """Close the connection instead of an answer (silence over UDP)."""
    return [Close()]


def resetting(_heard: Heard) -> Iterable[Act]:
    """Break the connection instead of an answer (silence over UDP)."""
    return [Reset()]


def failing(rcode: str, *, ede: int | None = None, text: str = "") -> Script:
    """Answer every question with an rcode, and an extended error if the query had EDNS."""

    def script(heard: Heard) -> Iterable[Act]:
        response = heard.message.response(rcode)
        if ede is not None and response.edns:
            response = replace(response, edns=Edns(options=(extended_error(ede, text),)))
        return [Send(wire=compose(response))]

    return script


def in_turn(*scripts: Script) -> Script:
    """Use each script for one query; the last one for all that follow."""
    turn = itertools.count()

    def script(heard: Heard) -> Iterable[Act]:
        return scripts[min(next(turn), len(scripts) - 1)](heard)

    return script


def delayed(script: Script, by_s: float) -> Script:
    """Do everything later."""
    return lambda heard: [replace(act, after_s=act.after_s + by_s) for act in script(heard)]


def dropping(count: int, then: Script) -> Script:
    """Ignore the first queries, then go on."""
    return in_turn(*[silent] * count, then)


def by_transport(*, udp: Script, tcp: Script) -> Script:
    """Behave in one way over UDP, in another over TCP."""
    return lambda heard: (udp if heard.transport == "udp" else tcp)(heard)


def closing_after(count: int, script: Script) -> Script:
    """Close each connection after so many answers on it."""
    asked: dict[int, int] = {}

    def counting(heard: Heard) -> Iterable[Act]:
        asked[heard.connection] = asked.get(heard.connection, 0) + 1
        return [*script(heard), *([Close()] if asked[heard.connection] >= count else [])]

    return counting


def spoiled(script: Script, spoiler: Spoiler) -> Script:
    """Spoil every message that a script sends."""
    return lambda heard: [
        replace(act, wire=spoiler(act.wire)) if isinstance(act, Send) else act for act in script(heard)
    ]


def twice(script: Script) -> Script:
    """Send every message two times."""
    return lambda heard: [act for act in script(heard) for _ in range(2)]


def dripping(script: Script, *, piece_bytes: int = 1, pause_s: float = 0.0) -> Script:
    """Send over TCP in pieces, a pause before each (also the length comes in pieces); one message after the other."""
    busy_until: dict[int, float] = {}

    def in_pieces(heard: Heard) -> Iterable[Act]:
        for act in script(heard):
            if not isinstance(act, Send) or heard.transport == "udp":
                yield act
                continue
            now = time.monotonic()
            begin_s = max(act.after_s, busy_until.get(heard.connection, 0.0) - now)
            stream = struct.pack("!H", len(act.wire)) + act.wire
            pieces = [stream[start : start + piece_bytes] for start in range(0, len(stream), piece_bytes)]
            for turn, piece in enumerate(pieces):
                yield Send(wire=piece, is_framed=False, after_s=begin_s + pause_s * turn)
            busy_until[heard.connection] = now + begin_s + pause_s * len(pieces)

    return in_pieces


def backwards(script: Script, group: int) -> Script:
    """Hold queries back until a group is full, then answer the last first."""
    held: list[list[Act]] = []

    def holding(heard: Heard) -> Iterable[Act]:
        held.append([replace(act, wire=act.wire) if isinstance(act, Send) else act for act in script(heard)])
        if len(held) < group:
            return []
        acts = [act for earlier in reversed(held) for act in earlier]
        held.clear()
        return acts

    return holding


# ------------ Spoilers ------------


def wrong_id(wire: bytes) -> bytes:
    """Change the ID."""
    return struct.pack("!H", struct.unpack("!H", wire[:2])[0] ^ 0x5A5A) + wire[2:]


def _question_end(wire: bytes) -> int:
    reader = Reader(wire)
    reader.at = HEADER_BYTES
    reader.name()
    return reader.at + 4


def wrong_name(wire: bytes) -> bytes:
    """Change a letter of the question's name (after its first length)."""
    at = HEADER_BYTES + 1
    return wire[:at] + bytes([ord("q") if wire[at] != ord("q") else ord("k")]) + wire[at + 1 :]


def wrong_type(wire: bytes) -> bytes:
    """Answer another type: MX."""
    end = _question_end(wire)
    return wire[: end - 4] + b"\0\x0f" + wire[end - 2 :]


def wrong_class(wire: bytes) -> bytes:
    """Answer another class: CH."""
    end = _question_end(wire)
    return wire[: end - 2] + b"\0\x03" + wire[end:]


def header_only(wire: bytes, rcode: int = 2) -> bytes:
    """Keep ID and flags, put an rcode, drop question and records."""
    return wire[:3] + bytes([wire[3] & 0xF0 | rcode]) + b"\0" * 8


def truncated(wire: bytes) -> bytes:
    """Keep the question, set TC, drop all records."""
    end = _question_end(wire)
    return wire[:2] + bytes([wire[2] | 2]) + wire[3:4] + b"\0\1" + b"\0" * 6 + wire[HEADER_BYTES:end]


def cut_at(length: int) -> Spoiler:
    """Lose all bytes after so many."""
    return lambda wire: wire[:length]


def garbage(_wire: bytes) -> bytes:
    """Be no DNS message at all."""
    return b"\xde\xad\xbe\xef" * 16


def garbage_after_id(wire: bytes) -> bytes:
    """Keep the ID and the flags of a response; the rest is noise that no parser can walk."""
    return wire[:2] + b"\x81\x80" + b"\0\1\0\1\0\0\0\0" + b"\xff" * 40


def not_a_response(wire: bytes) -> bytes:
    """Clear QR: our own query, echoed."""
    return wire[:2] + bytes([wire[2] & 0x7F]) + wire[3:]


def lower_case(wire: bytes) -> bytes:
    """Spell the question in lower case, as careless servers do."""
    end = _question_end(wire)
    return wire[:HEADER_BYTES] + wire[HEADER_BYTES:end].lower() + wire[end:]


def uncompressed(wire: bytes) -> bytes:
    """Write every name in full."""
    return compose(parse(wire), compresses=False)


def without_errors(wire: bytes) -> bytes:
    """Take extended errors out."""
    message = parse(wire)
    if not message.edns:
        return wire
    options = tuple(option for option in message.edns.options if option[0] != EDE_OPTION)
    return compose(replace(message, edns=replace(message.edns, options=options)))
