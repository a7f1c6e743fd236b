"""Netlink messages: packing, sending, acknowledgements, dumps. Knows no meaning of any message.

Own code, since a netlink library costs every node's agent 13 MB (docs/decisions/0012).
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NETLINK_ROUTE: Final = 0
NETLINK_NETFILTER: Final = 12

REQUEST: Final = 0x1
ACK: Final = 0x4
EXCL: Final = 0x200
CREATE: Final = 0x400
DUMP: Final = 0x300

_ERROR: Final = 2
_DONE: Final = 3
_FLAG_MULTI: Final = 0x2
_FLAG_ACK_TLVS: Final = 0x200
_FLAG_DUMP_INTR: Final = 0x10
_HEADER: Final = struct.Struct("=IHHII")
_ATTRIBUTE: Final = struct.Struct("=HH")
_TYPE_MASK: Final = 0x3FFF  # the two bits above say "nested" and "network byte order"
NESTED: Final = 0x8000
_SOL_NETLINK: Final = 270
_ADD_MEMBERSHIP: Final = 1
_EXT_ACK: Final = 11
_EXT_ACK_MESSAGE: Final = 1
_RECEIVE_BYTES: Final = 1 << 16
_ANSWER_WAIT_S: Final = 5  # the kernel answers at once; a wait that has no end would hang a node's agent
_DUMP_TRIES: Final = 5  # a dump that others disturb is begun again, not for ever


def attribute(kind: int, value: bytes) -> bytes:
    """Pack one attribute, padded to four bytes."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)


def nested(kind: int, *parts: bytes) -> bytes:
    """Pack an attribute made of attributes."""
    return attribute(kind | NESTED, b"".join(parts))


def text(kind: int, value: str) -> bytes:
    """Pack a name, ended by a zero byte."""
    return attribute(kind, value.encode() + b"\0")


def read_attributes(data: bytes) -> dict[int, bytes]:
    """Unpack attributes; the last of a kind wins."""
    return dict(each_attribute(data))


def each_attribute(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Unpack attributes in their order, repeated kinds too."""
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            return
        yield kind & _TYPE_MASK, data[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3


def read_text(value: bytes) -> str:
    """Unpack a name."""
    return value.rstrip(b"\0").decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its type, its flags beside REQUEST, and its body."""

    kind: int
    body: bytes
    flags: int = 0


class NetlinkSocket:
    """A socket of one netlink family, with answers read in order and an end to every wait.

    Threads may share it: each question has its answer before the next is sent.
    """

    def __init__(self, protocol: int, groups: Sequence[int] = (), *, held: socket.socket | None = None) -> None:
        """Open a socket and join groups; or take over one that was handed to us (its port id, thus its tables)."""
        self._socket = held or socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        try:
            self._socket.settimeout(_ANSWER_WAIT_S)
            with suppress(OSError):  # before Linux 4.12 errors come without words
                self._socket.setsockopt(_SOL_NETLINK, _EXT_ACK, 1)
            if held is None:
                self._socket.bind((0, 0))
            for group in groups:
                self._socket.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, group)
        except OSError:
            self._socket.close()
            raise
        self._sequence = int.from_bytes(os.urandom(2), "big")
        self._turn = Lock()

    def __enter__(self) -> Self:
        """Use it for a while."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close it; what the kernel ties to its owner goes if no other process holds the socket."""
        self._socket.close()

    def fileno(self) -> int:
        """Give the descriptor, to wait on or to hand over."""
        return self._socket.fileno()

    @property
    def port_id(self) -> int:
        """The kernel's number of this socket; the owner of a table is told by it."""
        number: int = self._socket.getsockname()[0]
        return number

    def ask(self, message: Message) -> None:
        """Send one message and wait until the kernel has done it; OSError says why not."""
        self.ask_all([message])

    def ask_all(self, messages: Sequence[Message]) -> None:
        """Send messages in one datagram; wait for an answer to each that asks for one (ACK), raise the first error.

        A batch that the kernel refuses as a whole may be answered once only; the first error ends the wait.
        """
        with self._turn:
            self._ask_all(messages)

    def _ask_all(self, messages: Sequence[Message]) -> None:
        """Do what `ask_all` says, while it is our turn."""
        first = self._sequence + 1
        wire = b"".join(self._pack(message) for message in messages)
        awaited = {first + number for number, message in enumerate(messages) if message.flags & ACK}
        self._socket.send(wire)
        while awaited:
            for kind, _, sequence, body in self._receive():
                if not first <= sequence <= self._sequence or kind != _ERROR:
                    continue  # late words of a batch given up earlier, or an event
                awaited.discard(sequence)
                self._raise(body)

    def get(self, message: Message) -> tuple[int, bytes]:
        """Ask for one thing and give what came; OSError says that there is none."""
        with self._turn:
            return self._get(message)

    def _get(self, message: Message) -> tuple[int, bytes]:
        """Do what `get` says, while it is our turn."""
        self._socket.send(self._pack(message))
        wanted = self._sequence
        while True:
            for kind, _, sequence, body in self._receive():
                if sequence != wanted:
                    continue
                if kind == _ERROR:
                    self._raise(body)
                return kind, body

    def dump(self, message: Message) -> list[tuple[int, bytes]]:
        """Ask for a list; begin again if somebody changed it meanwhile."""
        for _ in range(_DUMP_TRIES):
            with self._turn:
                found = self._dump_once(message)
            if found is not None:
                return found
        raise OSError(errno.EINTR, "others kept changing the list while it was read")

    def events(self) -> list[tuple[int, bytes]]:
        """Give the events that wait, without waiting. ENOBUFS means: some were lost, look at everything."""
        found: list[tuple[int, bytes]] = []
        self._socket.settimeout(0)
        try:
            while True:
                found += [(kind, body) for kind, _, _, body in self._receive()]
        except BlockingIOError:
            return found
        finally:
            self._socket.settimeout(_ANSWER_WAIT_S)

    def _dump_once(self, message: Message) -> list[tuple[int, bytes]] | None:
        """Read one list; None if it was disturbed."""
        self._socket.send(self._pack(Message(message.kind, message.body, message.flags | DUMP)))
        found: list[tuple[int, bytes]] = []
        wanted, is_whole = self._sequence, True
        while True:
            for kind, flags, sequence, body in self._receive():
                if sequence != wanted:
                    continue
                is_whole = is_whole and not flags & _FLAG_DUMP_INTR
                if kind == _ERROR:
                    self._raise(body)
                    return found if is_whole else None
                if kind == _DONE:
                    return found if is_whole else None
                found.append((kind, body))

    def _pack(self, message: Message) -> bytes:
        """Give a message its number and its length."""
        self._sequence += 1
        length = _HEADER.size + len(message.body)
        return _HEADER.pack(length, message.kind, message.flags | REQUEST, self._sequence, 0) + message.body

    def _receive(self) -> Iterator[tuple[int, int, int, bytes]]:
        """Read one datagram: type, flags, sequence and body of each message."""
        try:
            data = self._socket.recv(_RECEIVE_BYTES)
        except TimeoutError as error:
            raise OSError(errno.ETIMEDOUT, f"the kernel gave no answer for {_ANSWER_WAIT_S} s") from error
        at = 0
        while at + _HEADER.size <= len(data):
            length, kind, flags, sequence, _ = _HEADER.unpack_from(data, at)
            if length < _HEADER.size:
                return
            yield kind, flags, sequence, _with_flags(kind, flags, data[at + _HEADER.size : at + length])
            at += (length + 3) & ~3

    @staticmethod
    def _raise(body: bytes) -> None:
        """Raise what an error message says, with the kernel's own words if it gave some; zero is an acknowledgement."""
        (code,) = struct.unpack_from("=i", body)
        if not code:
            return
        words = os.strerror(-code)
        told = read_attributes(body[4:]).get(_EXT_ACK_MESSAGE)
        raise OSError(-code, f"{words}: {read_text(told)}" if told else words)


def _with_flags(kind: int, flags: int, body: bytes) -> bytes:
    """Cut an error message down to its code and the kernel's words; they follow the message that was refused."""
    if kind != _ERROR:
        return body
    if not flags & _FLAG_ACK_TLVS:
        return body[:4]
    (code,) = struct.unpack_from("=i", body)
    (length,) = struct.unpack_from("=I", body, 4)
    skipped = length if code else _HEADER.size  # an error carries the whole refused message, a success its head
    return body[:4] + body[4 + ((skipped + 3) & ~3) :]
