"""The stage with sockets: the real program on loopback, a scripted upstream for each `@name`, real time."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from nodens.errors import LabError
from nodens.lab.client import Client
from nodens.lab.message import Message, compose
from nodens.lab.script import PATIENCE_S, Close, Heard, Reset, Send
from nodens.lab.stage import Asked
from nodens.lab.upstream import Upstream

if TYPE_CHECKING:
    from types import TracebackType

FENCE_ID = 65_500
FENCE_OPCODE = 2  # STATUS: answered at once with NOTIMP, so that what comes before it came before


class ProgramStage:
    """One story's clients and upstreams around a program that listens at `address`."""

    def __init__(self, address: tuple[str, int], upstreams: dict[str, tuple[str, int]]) -> None:
        """Remember where things are; `with` opens the upstreams."""
        self._address = address
        self._places = upstreams
        self._life = ExitStack()
        self._clients: dict[str, list[Client]] = {}
        self._by_transport: dict[tuple[str, str], Client] = {}
        self._upstreams: dict[str, Upstream] = {}
        self._has_been_down: set[str] = set()

    def __enter__(self) -> Self:
        """Open the upstreams."""
        for name, (host, port) in self._places.items():
            self._upstreams[name] = self._life.enter_context(Upstream(host=host, port=port))
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Close clients and upstreams."""
        self._life.close()

    # ------------ Clients ------------

    def client_sends(self, client: str, wire: bytes, transport: str) -> None:
        """Send over the client's socket of that transport; it is opened with the first message."""
        if (client, transport) not in self._by_transport:
            opened = self._life.enter_context(Client(self._address, transport))
            self._by_transport[client, transport] = opened
            self._clients.setdefault(client, []).append(opened)
        self._by_transport[client, transport].send_wire(wire)

    def client_gets(self, client: str, within_ms: int | None) -> bytes | None:
        """Wait for the next reply on any socket of a client."""
        deadline = time.monotonic() + (PATIENCE_S if within_ms is None else within_ms / 1000 + 1)
        sockets = self._clients.get(client, [])
        while sockets and time.monotonic() < deadline:
            for opened in sockets:
                left_s = deadline - time.monotonic()
                if reply := opened.poll(max(0.0, left_s if len(sockets) == 1 else min(0.01, left_s))):
                    return reply.wire
        return None

    def is_silent_to(self, client: str) -> bool:
        """Ask something that is answered at once; nothing else may come before its reply."""
        for opened in self._clients.get(client, []):
            opened.send_wire(compose(Message(id=FENCE_ID, opcode=FENCE_OPCODE)))
            if opened.next_reply().wire[:2] != FENCE_ID.to_bytes(2, "big"):
                return False
        return True

    # ------------ Upstreams ------------

    def upstream_hears(self, upstream: str, within_ms: int | None) -> Asked | None:
        """Wait for the next query at an upstream."""
        try:
            heard = self._upstreams[upstream].next_heard(PATIENCE_S if within_ms is None else within_ms / 1000)
        except LabError:
            return None
        return Asked(upstream=upstream, message=heard.message, transport=heard.transport, token=heard)

    def upstream_sends(self, asked: Asked, wire: bytes) -> None:
        """Say these bytes."""
        self._upstreams[asked.upstream].act(self._heard(asked), Send(wire=wire))

    def upstream_fails(self, asked: Asked, how: str) -> None:
        """Close or reset the connection."""
        self._upstreams[asked.upstream].act(self._heard(asked), Close() if how == "closes" else Reset())

    def upstream_becomes(self, upstream: str, state: str) -> None:
        """Close the ports, block them, or open them again."""
        if state == "up":
            self._upstreams[upstream].listen_again()
        elif state == "down":
            self._has_been_down.add(upstream)
            self._upstreams[upstream].refuse()
        else:
            self._has_been_down.add(upstream)
            self._upstreams[upstream].black_hole()

    def attempts(self, upstream: str) -> int | None:
        """Count what was heard; what a closed port refused, nobody can count."""
        return None if upstream in self._has_been_down else len(self._upstreams[upstream].log)

    # ------------ Time ------------

    def pass_time(self, ms: int) -> None:
        """Wait in real time."""
        time.sleep(ms / 1000)

    def now_ms(self) -> float:
        """Tell the time."""
        return time.monotonic() * 1000

    def leftovers(self) -> list[str]:
        """Tell which queries and replies the story did not look at."""
        unheard = [
            f"{name} heard {heard.message.question}"
            for name, upstream in self._upstreams.items()
            for heard in upstream.log[len(upstream.log) - upstream.pending() :]
        ]
        unread = [
            f"{name} got {reply.message.rcode}"
            for name, sockets in self._clients.items()
            for opened in sockets
            if (reply := opened.poll())
        ]
        return unheard + unread

    def _heard(self, asked: Asked) -> Heard:
        if not isinstance(asked.token, Heard):
            raise LabError("a query of another stage")
        return asked.token
