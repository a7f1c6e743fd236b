"""A scripted DNS server on loopback, with every fault an upstream can show. It is real: sockets, a thread, real bytes.

    with Upstream(answering(zone)) as upstream:         # a script: what is heard -> what is done
        ... ask whoever has upstream.address ...
        heard = upstream.next_heard()                   # what it was asked: bytes, transport, source, moment

Without a script it only listens, and the test does the acts itself: `upstream.act(heard, Send(...))`.

size: one class whose thread owns all sockets; its doors, its ears and its mouth share them.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import queue
import selectors
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self, assert_never

from nodens.errors import LabError
from nodens.lab.script import PATIENCE_S, Act, Close, Heard, Reset, Script, Send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

QUEUE_LIMIT = 100_000  # queries remembered; a test that asks more has lost its way
BACKLOG = 128


@dataclass(slots=True)
class _Connection:
    """A client's stream: its socket, its number, what has arrived of the next message."""

    stream: socket.socket
    number: int
    source: tuple[str, int]
    arrived: bytearray = field(default_factory=bytearray)
    asked: int = 0


class Upstream:
    """A server on UDP and TCP at one loopback address; a context manager. Only its thread touches its sockets."""

    def __init__(
        self, script: Script | None = None, *, host: str = "127.0.0.1", port: int = 0, remembers: int = QUEUE_LIMIT
    ) -> None:
        """Remember what to do; nothing is bound before `with`. `remembers`: how many queries are kept to be told."""
        self._script = script
        self._remembers = remembers
        self._wanted = (host, port)
        self._heard: queue.Queue[Heard] = queue.Queue(QUEUE_LIMIT)
        self._log: list[Heard] = []
        self._orders: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count(1)
        self._ties = itertools.count()
        self._connections: dict[int, _Connection] = {}
        self._silenced: list[_Connection] = []
        self._accepted = 0
        self._listening: list[socket.socket] = []
        self._fillers: list[socket.socket] = []
        self._family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.address: tuple[str, int] = self._wanted

    # ------------ Its life ------------

    def __enter__(self) -> Self:
        """Bind both sockets, start the thread."""
        self._selector = selectors.DefaultSelector()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_out.settimeout(0)
        self._selector.register(self._wake_out, selectors.EVENT_READ, self._on_wake)
        try:
            self._open()
        except LabError:
            self._close_wakers()
            raise
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"upstream {self.address}", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the thread and close everything."""
        self._order(self._stop)
        self._thread.join(PATIENCE_S)
        self._close_wakers()

    def _close_wakers(self) -> None:
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()

    def _stop(self) -> None:
        self._stopping = True

    def _run(self) -> None:
        while not self._stopping:
            wait_s = max(0.0, self._due[0][0] - time.monotonic()) if self._due else None
            for key, _ in self._selector.select(wait_s):
                key.data()
            while self._due and self._due[0][0] <= time.monotonic():
                heapq.heappop(self._due)[2]()
        self._shut()
        self._drop_all()
        for connection in self._silenced:
            connection.stream.close()
        self._selector.close()

    def _order(self, order: Callable[[], object], *, waits: bool = False) -> None:
        """Have the thread do something; `waits` until it is done."""
        done = threading.Event()

        def both() -> None:
            try:
                order()
            finally:
                done.set()

        self._orders.put(both)
        self._wake_in.send(b"!")
        if waits and not done.wait(PATIENCE_S):
            raise LabError(f"{self.address}: the upstream's thread does not answer")

    def _on_wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake_out.recv(4096)
        with contextlib.suppress(queue.Empty):
            while True:
                self._orders.get_nowait()()

    # ------------ Its door: open, shut, blocked ------------

    def refuse(self) -> None:
        """Close the ports: ICMP port unreachable, and RST to a SYN. Open connections are reset."""

        def close() -> None:
            self._shut()
            self._drop_all(resets=True)

        self._order(close, waits=True)

    def listen_again(self) -> None:
        """Take the same ports again after `refuse` or `black_hole`."""

        def reopen() -> None:
            self._shut()
            self._silenced.clear()
            self._open()

        self._order(reopen, waits=True)

    def black_hole(self) -> None:
        """Answer no SYN any more, and go dumb on what is open: a full accept queue makes the kernel drop SYNs."""

        def block() -> None:
            self._shut()
            for connection in self._connections.values():
                self._selector.unregister(connection.stream)
            self._silenced = list(self._connections.values())
            self._connections.clear()
            hole = self._bound(socket.SOCK_STREAM)
            hole.listen(0)
            self._listening = [hole, self._bound(socket.SOCK_DGRAM)]
            for _ in range(8):
                filler = socket.socket(self._family, socket.SOCK_STREAM)
                filler.settimeout(0)
                filler.connect_ex(self.address)
                self._fillers.append(filler)

        self._order(block, waits=True)

    def _bound(self, kind: int) -> socket.socket:
        bound = socket.socket(self._family, kind)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.settimeout(0)
        host, port = self.address
        try:
            bound.bind((host, port))
        except OSError as error:
            bound.close()
            raise LabError(f"{host}:{port}: cannot bind: {error.strerror}") from error
        return bound

    def _open(self) -> None:
        for attempt in range(20):
            tcp = self._bound(socket.SOCK_STREAM)
            host, wanted = self.address
            self.address = (host, tcp.getsockname()[1])
            try:
                udp = self._bound(socket.SOCK_DGRAM)
            except LabError:
                tcp.close()
                if wanted or attempt == 19:  # noqa: PLR2004 - the last of twenty
                    raise
                self.address = (host, 0)  # that number was free for TCP only; try another
                continue
            break
        else:
            raise LabError(f"{self._wanted[0]}: no port is free for both UDP and TCP")
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        tcp.listen(BACKLOG)
        self._listening = [tcp, udp]
        self._selector.register(tcp, selectors.EVENT_READ, lambda: self._on_connection(tcp))
        self._selector.register(udp, selectors.EVENT_READ, lambda: self._on_datagram(udp))
        self._udp = udp

    def _shut(self) -> None:
        for listening in self._listening:
            with contextlib.suppress(KeyError):
                self._selector.unregister(listening)
            listening.close()
        for filler in self._fillers:
            filler.close()
        self._listening, self._fillers = [], []

    # ------------ What arrives ------------

    def _on_connection(self, tcp: socket.socket) -> None:
        with contextlib.suppress(OSError):
            stream, source = tcp.accept()
            stream.settimeout(0)
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._accepted += 1
            connection = _Connection(stream, self._accepted, source[:2])
            self._connections[connection.number] = connection
            self._selector.register(stream, selectors.EVENT_READ, lambda: self._on_stream(connection))

    def _on_datagram(self, udp: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                wire, source = udp.recvfrom(65535)
                self._hear(wire, "udp", source[:2], 0)

    def _on_stream(self, connection: _Connection) -> None:
        try:
            arrived = connection.stream.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            arrived = b""
        if not arrived:
            self._drop(connection.number)
            return
        connection.arrived += arrived
        while len(connection.arrived) >= 2:  # noqa: PLR2004 - the length
            end = 2 + struct.unpack("!H", connection.arrived[:2])[0]
            if len(connection.arrived) < end:
                return
            wire = bytes(connection.arrived[2:end])
            del connection.arrived[:end]
            connection.asked += 1
            self._hear(wire, "tcp", connection.source, connection.number)

    def _hear(self, wire: bytes, transport: str, source: tuple[str, int], connection: int) -> None:
        heard = Heard(
            number=next(self._numbers),
            wire=wire,
            transport=transport,
            source=source,
            connection=connection,
            at_s=time.monotonic(),
        )
        if len(self._log) < self._remembers:
            self._log.append(heard)
            self._heard.put_nowait(heard)
        if self._script:
            self._plan(heard, self._script(heard))

    # ------------ What is done ------------

    def act(self, heard: Heard, *acts: Act) -> None:
        """Do something about a query: from a test, or from a thread of its own."""
        self._order(lambda: self._plan(heard, acts))

    def _plan(self, heard: Heard, acts: Iterable[Act]) -> None:
        for act in acts:
            if act.after_s:
                when = time.monotonic() + act.after_s
                heapq.heappush(self._due, (when, next(self._ties), lambda act=act: self._do(heard, act)))  # type: ignore[misc]  # the default binds the loop's value
            else:
                self._do(heard, act)

    def _do(self, heard: Heard, act: Act) -> None:
        match act:
            case Send():
                self._say(heard, act)
            case Close():
                self._drop(heard.connection)
            case Reset():
                self._drop(heard.connection, resets=True)
            case _:
                assert_never(act)

    def _say(self, heard: Heard, act: Send) -> None:
        with contextlib.suppress(OSError):
            if heard.transport == "udp":
                self._udp.sendto(act.wire, heard.source)
            elif connection := self._connections.get(heard.connection):
                frame = struct.pack("!H", len(act.wire)) if act.is_framed else b""
                connection.stream.settimeout(PATIENCE_S)
                connection.stream.sendall(frame + act.wire)
                connection.stream.settimeout(0)

    def _drop(self, number: int, *, resets: bool = False) -> None:
        connection = self._connections.pop(number, None)
        if connection is None:
            return
        self._selector.unregister(connection.stream)
        if resets:
            connection.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.stream.close()

    def _drop_all(self, *, resets: bool = False) -> None:
        for number in list(self._connections):
            self._drop(number, resets=resets)

    # ------------ What it tells ------------

    @property
    def log(self) -> list[Heard]:
        """Give all that was ever heard, in order."""
        return list(self._log)

    @property
    def connections(self) -> int:
        """Count the connections ever accepted."""
        return self._accepted

    @property
    def open_connections(self) -> int:
        """Count the connections open now."""
        return len(self._connections)

    def next_heard(self, timeout_s: float = PATIENCE_S) -> Heard:
        """Wait for the next query that no one has taken yet."""
        try:
            return self._heard.get(timeout=timeout_s)
        except queue.Empty:
            raise LabError(f"{self.address}: nothing was asked within {timeout_s} s") from None

    def pending(self) -> int:
        """Count the queries that no one has taken yet."""
        return self._heard.qsize()

    def close_all(self, *, resets: bool = False) -> None:
        """Close every open connection."""
        self._order(lambda: self._drop_all(resets=resets), waits=True)
