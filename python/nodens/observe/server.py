"""One small HTTP listener: GET a few fixed pages, close. Bounded in time, size and threads.

Not `http.server`: that brings the mail and URL libraries along, 6 MB in every node's agent, for three fixed pages.
"""

from __future__ import annotations

import errno
import socket
import time
import zlib
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nodens.plan import HttpEndpoint

_TIMEOUT_S: Final = 5.0  # for a whole request, however it dribbles in; as long again for the answer, as CoreDNS
_REQUEST_LIMIT_BYTES: Final = 8192  # longer request heads are not a scraper's
_CLIENT_LIMIT: Final = 16  # at once; probes and scrapers are few
_BACKLOG: Final = 16
_NO_ROOM: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}  # what `accept` says again and again
_NO_ROOM_PAUSE_S: Final = 0.2
_GZIP_FORMAT: Final = 31  # zlib's number for a gzip header with the largest window
_GZIP_FLOOR_BYTES: Final = 512  # below this the header eats the gain

_REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a route gives."""

    code: int
    body: str
    content_type: str = "text/plain; charset=utf-8"


Route: TypeAlias = "Callable[[], Page]"
_NOT_FOUND: Final = Page(code=404, body="404 page not found\n")
_NOT_A_REQUEST: Final = Page(code=400, body="400 Bad Request\n")


def open_socket(endpoint: HttpEndpoint, *, is_sharing: bool = False) -> socket.socket:
    """Listen on an endpoint; an empty host means all addresses of both families. Raises OSError.

    Whoever comes after us may share it (SO_REUSEPORT, same user). `is_sharing`: so may whoever was here before.
    """
    if endpoint.host:
        found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # A name may stand for addresses of both families; like Go, take the IPv4 one: `localhost:9153` is 127.0.0.1.
        family, _, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
        return _listen(family, address, is_sharing=is_sharing)
    try:
        return _listen(socket.AF_INET6, ("::", endpoint.port), is_sharing=is_sharing)
    except OSError as error:
        if error.errno not in _NO_IPV6:
            raise
        any_ipv4 = ("0.0.0.0", endpoint.port)  # noqa: S104 - all addresses are what was asked for
        return _listen(socket.AF_INET, any_ipv4, is_sharing=is_sharing)


_NO_IPV6: Final = {97, 99}  # EAFNOSUPPORT, EADDRNOTAVAIL: the kernel has no IPv6, or it is switched off


def _listen(family: int, address: tuple[object, ...], *, is_sharing: bool) -> socket.socket:
    """Bind and listen; REUSEADDR, so that a restart need not wait for old connections to time out."""
    if not is_sharing:
        with _bound(family, address, is_sharing=False) as trial:
            address = (address[0], trial.getsockname()[1], *address[2:])
            # Listening is what finds a stranger; his socket and this one would both have it otherwise.
            trial.listen(1)
    listener = _bound(family, address, is_sharing=True)
    try:
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _bound(family: int, address: tuple[object, ...], *, is_sharing: bool) -> socket.socket:
    """Bind a socket."""
    made = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_sharing:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6 and address[0] == "::":
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made


class Listener:
    """A listening socket, its accepting thread, and its routes, which may be replaced while it runs."""

    def __init__(self, endpoint: HttpEndpoint, routes: Mapping[str, Route], *, is_sharing: bool = False) -> None:
        """Listen at once. Raises OSError if the address cannot be had."""
        self.routes = routes
        self._socket = open_socket(endpoint, is_sharing=is_sharing)
        self._guests: dict[socket.socket, str] = {}  # whom we serve, and from where; the oldest first
        self._lock = Lock()
        self._is_closed = Event()
        name = f"http {endpoint.host}:{endpoint.port}"
        self._thread = Thread(target=self._accept, name=name, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it really has."""
        return int(self._socket.getsockname()[1])

    @property
    def own_address(self) -> tuple[str, int]:
        """Where to reach it from this very process."""
        host = str(self._socket.getsockname()[0])
        return {"::": "::1", "0.0.0.0": "127.0.0.1"}.get(host, host), self.port  # noqa: S104 - compared, not bound

    def close(self) -> None:
        """Listen no more; requests in hand are finished by their own threads."""
        self._is_closed.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the accepting thread
        self._socket.close()
        self._thread.join(_TIMEOUT_S)

    def _accept(self) -> None:
        """Give each connection a thread; above the limit one that is here already makes room."""
        while not self._is_closed.is_set():
            try:
                connection, (host, *_) = self._socket.accept()
            except OSError as error:
                if error.errno in _NO_ROOM:
                    self._is_closed.wait(_NO_ROOM_PAUSE_S)
                continue
            with self._lock:
                if len(self._guests) >= _CLIENT_LIMIT:
                    self._turn_one_away()
                self._guests[connection] = str(host)
            Thread(target=self._serve, args=(connection,), name="http request", daemon=True).start()

    def _turn_one_away(self) -> None:
        """End the oldest connection of the address that holds most: a probe comes alone and is gone at once."""
        held = Counter(self._guests.values())
        greedy = max(self._guests, key=lambda guest: held[self._guests[guest]])  # of equals, the oldest
        del self._guests[greedy]
        with suppress(OSError):
            greedy.shutdown(socket.SHUT_RDWR)  # its thread wakes and ends

    def _serve(self, connection: socket.socket) -> None:
        """Read one request, give one page."""
        try:
            with connection:
                head = _read_head(connection, time.monotonic() + _TIMEOUT_S)
                if head is None:
                    return
                connection.settimeout(_TIMEOUT_S)
                connection.sendall(_answer(head, self.routes))
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            return
        finally:
            with self._lock:
                self._guests.pop(connection, None)


def _read_head(connection: socket.socket, until_s: float) -> str | None:
    """Read up to the empty line; None if the client went away, takes too long or talks without end."""
    head = b""
    while b"\r\n\r\n" not in head and b"\n\n" not in head:
        left_s = until_s - time.monotonic()
        if len(head) > _REQUEST_LIMIT_BYTES or left_s <= 0:
            return None
        connection.settimeout(left_s)
        piece = connection.recv(_REQUEST_LIMIT_BYTES)
        if not piece:
            return None
        head += piece
    return head.decode("latin-1")


def _answer(head: str, routes: Mapping[str, Route]) -> bytes:
    """Compose the response to a request head."""
    first, *lines = head.splitlines()
    words = first.split()
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if len(words) != 3:  # noqa: PLR2004 - method, target, version
        return _compose(_NOT_A_REQUEST, is_head=False, is_gzip=False)
    method, target, _ = words
    route = routes.get(target.partition("?")[0])
    try:
        page = route() if route else _NOT_FOUND
    except Exception as error:  # noqa: BLE001 - a page that cannot be made is a 500, whatever the reason
        page = Page(code=500, body=f"{type(error).__name__}: {error}\n")
    return _compose(page, is_head=method == "HEAD", is_gzip="gzip" in headers.get("accept-encoding", ""))


def _compose(page: Page, *, is_head: bool, is_gzip: bool) -> bytes:
    """Write status line, headers and body."""
    body = page.body.encode()
    lines = [f"HTTP/1.1 {page.code} {_REASONS.get(page.code, '-')}", f"Content-Type: {page.content_type}"]
    if is_gzip and len(body) >= _GZIP_FLOOR_BYTES:
        packer = zlib.compressobj(level=1, wbits=_GZIP_FORMAT)
        body = packer.compress(body) + packer.flush()
        lines.append("Content-Encoding: gzip")
    lines += [f"Content-Length: {len(body)}", "X-Content-Type-Options: nosniff", "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1") + (b"" if is_head else body)
