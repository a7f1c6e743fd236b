"""The real program, with a fate: what happens to it when it is about to say its Nth message at the door.

Usage: fated.py FATE NUMBER python -m nodens.cli.node_cache FLAGS. FATE is `stop` or `kill` (the signal), `bug` (an
exception), `stop-peer` (who is to hear it is stopped before it is said), or `patience=SECONDS` and any NUMBER: it waits
so long for the other one, and nothing else happens.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import sys
import threading

from nodens.cli import node_cache
from nodens.lifecycle import handover, visit

PEER = struct.Struct("3i")  # pid, user and group at the other end
WORDS_BEFORE = 3  # python -m nodens.cli.node_cache


class Fate:
    """Counts what is sent over unix sockets, at the border of the operating system: none of our code is replaced."""

    def __init__(self, kind: str, number: int) -> None:
        self.kind = kind
        self.number = number
        self.said = 0

    def __call__(self, event: str, args: tuple[object, ...]) -> None:
        if event != "socket.sendmsg" or not isinstance(args[0], socket.socket) or args[0].family != socket.AF_UNIX:
            return
        self.said += 1
        if self.said != self.number:
            return
        if self.kind == "stop-peer":
            raw = args[0].getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size)
            os.kill(PEER.unpack(raw)[0], signal.SIGSTOP)
            return
        if self.kind == "bug":
            raise ZeroDivisionError("as the test wants it")
        # This very thread is to get it, or the word would be said before another one stopped all.
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP if self.kind == "stop" else signal.SIGKILL)


if __name__ == "__main__":
    kind, number, *words = sys.argv[1:]
    if kind.startswith("patience="):
        # Nobody waits ten seconds in a test.
        visit.READY_S = visit.TAKE_S = handover.LEAVE_S = float(kind.partition("=")[2])  # type: ignore[misc]  # as said
    else:
        sys.addaudithook(Fate(kind, int(number)))
    sys.argv = words[WORDS_BEFORE - 1 :]
    sys.exit(node_cache.main())
