"""The door for looks at the caches: an abstract unix socket, for the agent's own user and root only. Never TCP.

Names are who-asks-what: a scraper sees numbers, and only who could read the process' memory anyway sees names. Nothing
is read from a guest; one look at a time, bounded in entries and time, a page of it in memory. A guest that stalls keeps
others waiting for `LOOK_S`, and queries not at all.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import struct
import time
from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from nodens import __version__
from nodens.errors import EngineStopped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nodens.observe.log import Log

NAME_BEGINS: Final = "nodens-entries/"  # of the abstract socket; an address and a number follow
LOOK_S: Final = 10.0  # for a whole look, however slowly it is read
ENTRIES_LIMIT: Final = 100_000  # of a look; ten caches of node-cache's size
_BACKLOG: Final = 4
_NO_ROOM_PAUSE_S: Final = 0.2
_LEAVE_S: Final = 2.0  # the thread is woken, and has a page to write at most
_CREDENTIALS: Final = struct.Struct("3i")

Bookmark = tuple[int, int, int, int]


class EntrySource(Protocol):
    """Where entries come from."""

    def entries(self, bookmark: Bookmark) -> tuple[str, str, Sequence[Any], Bookmark | None]:
        """Give a page: block, zones, rows, where to go on."""


def peer_of(connected: socket.socket) -> tuple[int, int]:
    """Who is at the other end of a unix socket: pid (0 in another pid namespace) and user, as the kernel says."""
    raw = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, user, _ = _CREDENTIALS.unpack(raw)
    return pid, user


class Lookout:
    """The listening socket and its one thread. A context manager; leaving it waits for no guest."""

    def __init__(self, source: EntrySource, addresses: Sequence[tuple[str, int]], log: Log) -> None:
        """Listen nowhere yet. `addresses`: where the agent answers, which is how it is found."""
        self._source = source
        self._addresses = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in addresses]
        self._log = log
        self._is_over = Event()
        self._listening: socket.socket | None = None
        self._guest: socket.socket | None = None
        self._thread: Thread | None = None

    def __enter__(self) -> Self:
        """Open it. DNS is served without it, too."""
        # The number keeps the name from being taken by somebody else before us, and two agents of a hand-over apart.
        first = self._addresses[0] if self._addresses else "nowhere"
        name = f"\0{NAME_BEGINS}{first}/{secrets.token_hex(4)}"
        try:
            self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._listening.bind(name)
            self._listening.listen(_BACKLOG)
        except OSError as error:
            self._log.warning(f"nodens entries: cannot listen: {error.strerror}; DNS is served without it")
            return self
        self._thread = Thread(target=self._run, args=(self._listening,), name="lookout", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close it, and hang up on whoever looks."""
        self._is_over.set()
        for each in (self._listening, self._guest):
            if each:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)  # wakes the thread
        if self._thread:
            self._thread.join(_LEAVE_S)
        if self._listening:
            self._listening.close()

    def _run(self, listening: socket.socket) -> None:
        """Serve one guest after the other."""
        while not self._is_over.is_set():
            try:
                guest, _ = listening.accept()
            except OSError:
                self._is_over.wait(_NO_ROOM_PAUSE_S)
                continue
            with guest:
                self._guest = guest
                with suppress(OSError, EngineStopped):
                    self._serve(guest)
                self._guest = None

    def _serve(self, guest: socket.socket) -> None:
        """Tell one guest, if it may know."""
        until_s = time.monotonic() + LOOK_S
        _, user = peer_of(guest)
        own = os.geteuid()
        if user not in {own, 0}:
            guest.settimeout(0)
            _send(
                guest, {"refuses": f"names are shown to root and to the agent's own user ({own}); you are user {user}"}
            )
            return
        _send(guest, {"nodens": __version__, "pid": os.getpid(), "addresses": self._addresses})
        for words in self._pages():
            left_s = until_s - time.monotonic()
            if left_s <= 0 or self._is_over.is_set():
                return
            guest.settimeout(left_s)
            _send(guest, words)

    def _pages(self) -> Iterator[dict[str, object]]:
        """Give page after page, and at the end whether that was all."""
        bookmark: Bookmark | None = (0, 0, 0, 0)
        count = 0
        while bookmark and count < ENTRIES_LIMIT:
            block, zones, rows, bookmark = self._source.entries(bookmark)
            count += len(rows)
            if rows:
                yield {"block": block, "zones": zones, "rows": rows}
        yield {"told": count, "is_all": bookmark is None}


def _send(guest: socket.socket, words: dict[str, object]) -> None:
    """Send a line. Raises OSError, TimeoutError among them."""
    guest.sendall(json.dumps(words, separators=(",", ":")).encode() + b"\n")
