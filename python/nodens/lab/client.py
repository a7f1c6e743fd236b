"""A client: asks over UDP or one TCP connection, pipelined if wished, and keeps what came back and when.

with Client(address) as client:
    client.send(query("web.shop.svc.cluster.local"))
    reply = client.next_reply()
"""

from __future__ import annotations

import itertools
import select
import socket
import struct
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from nodens.errors import LabError
from nodens.lab.message import Message, compose, parse
from nodens.lab.script import PATIENCE_S

if TYPE_CHECKING:
    from types import TracebackType


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back, and when."""

    wire: bytes
    at_s: float

    @property
    def message(self) -> Message:
        """Give the reply as a value."""
        return parse(self.wire)


class Client:
    """One socket: a UDP one with its own port, or a TCP connection. A context manager."""

    def __init__(
        self,
        address: tuple[str, int],
        transport: str = "udp",
        *,
        source: str = "",
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Remember whom to ask; nothing is opened before `with`."""
        self._address = address
        self._transport = transport
        self._label = f"{address[0]}:{address[1]}/{transport}"
        self._source = source
        self._patience_s = patience_s
        self._ids = itertools.count(1)
        self._arrived = bytearray()
        self.replies: list[Reply] = []

    def __enter__(self) -> Self:
        """Open the socket; connect it."""
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        kind = socket.SOCK_DGRAM if self._transport == "udp" else socket.SOCK_STREAM
        self._socket = socket.socket(family, kind)
        try:
            if self._source:
                self._socket.bind((self._source, 0))
            self._socket.settimeout(self._patience_s)
            self._socket.connect(self._address)
            if kind == socket.SOCK_STREAM:
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            self._socket.close()
            raise LabError(f"{self._label}: cannot connect: {error}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the socket."""
        self._socket.close()

    @property
    def port(self) -> int:
        """Give the port we ask from."""
        return int(self._socket.getsockname()[1])

    def send(self, message: Message) -> Message:
        """Send a query, with an ID of its own if it has none; give it back as sent."""
        sent = message if message.id else replace(message, id=next(self._ids))
        self.send_wire(compose(sent))
        return sent

    def send_wire(self, wire: bytes) -> None:
        """Send bytes: a datagram, or a message with its length before it."""
        self._socket.settimeout(self._patience_s)
        frame = b"" if self._transport == "udp" else struct.pack("!H", len(wire))
        self._socket.sendall(frame + wire)

    def send_stream(self, stream: bytes) -> None:
        """Send bytes of a stream as they are: half a length, three messages at once."""
        self._socket.sendall(stream)

    def send_all(self, *messages: Message) -> list[Message]:
        """Send queries at once: over TCP in one write."""
        sent = [message if message.id else replace(message, id=next(self._ids)) for message in messages]
        if self._transport == "udp":
            for message in sent:
                self.send_wire(compose(message))
        else:
            wires = [compose(message) for message in sent]
            self.send_stream(b"".join(struct.pack("!H", len(wire)) + wire for wire in wires))
        return sent

    def ask(self, message: Message, timeout_s: float = PATIENCE_S) -> Message:
        """Send one query and wait for the reply with its ID; other replies are kept in `replies`."""
        sent = self.send(message)
        deadline = time.monotonic() + timeout_s
        while True:
            reply = self.next_reply(max(0.0, deadline - time.monotonic()))
            if reply.message.id == sent.id:
                return reply.message

    def next_reply(self, timeout_s: float = PATIENCE_S) -> Reply:
        """Wait for the next reply, whichever query it answers."""
        reply = self.poll(timeout_s)
        if reply is None:
            raise LabError(f"{self._label}: no reply within {timeout_s:.1f} s")
        return reply

    def poll(self, timeout_s: float = 0.0) -> Reply | None:
        """Give the next reply if it comes in time."""
        deadline = time.monotonic() + timeout_s
        while True:
            if (wire := self._complete()) is not None:
                reply = Reply(wire=wire, at_s=time.monotonic())
                self.replies.append(reply)
                return reply
            ready, _, _ = select.select([self._socket], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                return None
            self._receive()

    def is_closed(self, timeout_s: float = PATIENCE_S) -> bool:
        """Tell whether the other end closes the connection in time; what arrives before is dropped."""
        deadline = time.monotonic() + timeout_s
        while (left_s := deadline - time.monotonic()) > 0:
            if select.select([self._socket], [], [], left_s)[0]:
                try:
                    if not self._socket.recv(65536):
                        return True
                except ConnectionError:
                    return True
        return False

    def _complete(self) -> bytes | None:
        if self._transport == "udp":
            if not self._arrived:
                return None
            wire = bytes(self._arrived)
            self._arrived.clear()
            return wire
        if len(self._arrived) < 2:  # noqa: PLR2004 - the length
            return None
        end = 2 + struct.unpack("!H", self._arrived[:2])[0]
        if len(self._arrived) < end:
            return None
        wire = bytes(self._arrived[2:end])
        del self._arrived[:end]
        return wire

    def _receive(self) -> None:
        try:
            arrived = self._socket.recv(65536)
        except ConnectionError as error:
            raise LabError(f"{self._label}: {error}") from error
        if not arrived and self._transport == "tcp":
            raise LabError(f"{self._label}: closed by the server")
        self._arrived += arrived


def ask(address: tuple[str, int], message: Message, transport: str = "udp", timeout_s: float = PATIENCE_S) -> Message:
    """Ask one question over a socket of its own."""
    with Client(address, transport, patience_s=timeout_s) as client:
        return client.ask(message, timeout_s)
