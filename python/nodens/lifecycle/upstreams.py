"""One question to the upstreams, all at once: does anybody answer us? Asked before traffic is pointed at us."""

from __future__ import annotations

import os
import select
import socket
import time
from contextlib import ExitStack, suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from nodens.plan import Transport

if TYPE_CHECKING:
    from nodens.plan import EnginePlan

_ASKED_LIMIT: Final = 16  # one that answers is enough
_ROOT_NS: Final = b"\0\0\x02\0\x01"  # `NS .`, as upstreams are probed
_RECURSION_DESIRED: Final = 0x0100
_HEADER_BYTES: Final = 12


class _Asked:
    """A question on its way to one upstream."""

    def __init__(self, address: str, scope_id: int, port: int, *, is_stream: bool) -> None:
        """Begin to connect. Raises OSError."""
        self._number = os.urandom(2)
        self._is_stream = is_stream
        self._is_sent = False
        is_v4 = ip_address(address).version == 4  # noqa: PLR2004 - the two versions of IP
        family = socket.AF_INET if is_v4 else socket.AF_INET6
        self.socket = socket.socket(family, socket.SOCK_STREAM if is_stream else socket.SOCK_DGRAM)
        self.socket.settimeout(0)
        try:
            with suppress(BlockingIOError):
                self.socket.connect((address, port) if is_v4 else (address, port, 0, scope_id))
        except OSError:
            self.socket.close()
            raise

    @property
    def wants(self) -> int:
        """What to wait for."""
        return select.POLLIN if self._is_sent else select.POLLOUT

    def go_on(self) -> bool:
        """Send, or read; whether the answer came. Raises OSError."""
        if not self._is_sent:
            question = self._number + _RECURSION_DESIRED.to_bytes(2, "big") + b"\0\x01" + bytes(6) + _ROOT_NS
            self.socket.send((len(question).to_bytes(2, "big") if self._is_stream else b"") + question)
            self._is_sent = True
            return False
        answer = self.socket.recv(_HEADER_BYTES + 2)[2 if self._is_stream else 0 :]
        if not answer:
            raise ConnectionResetError
        return answer[:2] == self._number


def why_none_answers(plan: EnginePlan, limit_s: float) -> str:
    """Ask every upstream of the plan; empty if one answers, whatever it says. Else one line: who was asked."""
    wanted = {
        (upstream.address, upstream.scope_id, upstream.port, forward.transport is Transport.TCP): upstream.label
        for block in plan.blocks
        for forward in block.forwards
        for upstream in forward.upstreams
    }
    if not wanted:
        return ""
    with ExitStack() as asked:
        waiting: dict[int, _Asked] = {}
        for address, scope_id, port, is_stream in list(wanted)[:_ASKED_LIMIT]:
            with suppress(OSError):
                question = _Asked(address, scope_id, port, is_stream=is_stream)
                waiting[asked.enter_context(question.socket).fileno()] = question
        if _is_any_answered(waiting, time.monotonic() + limit_s):
            return ""
    labels = list(dict.fromkeys(wanted.values()))
    return f"no upstream answers: {', '.join(labels[:4])}{', ...' if len(labels) > 4 else ''}"  # noqa: PLR2004 - a line is short


def _is_any_answered(waiting: dict[int, _Asked], deadline_s: float) -> bool:
    """Go on with whoever can, until one answer is there or nobody is left."""
    while waiting and (left_s := deadline_s - time.monotonic()) > 0:
        poller = select.poll()
        for descriptor, question in waiting.items():
            poller.register(descriptor, question.wants)
        for descriptor, _ in poller.poll(left_s * 1000):
            try:
                if waiting[descriptor].go_on():
                    return True
            except BlockingIOError:
                continue
            except OSError:
                del waiting[descriptor]
    return False
