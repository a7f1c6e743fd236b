"""One `up` at a time: who raises a world holds a name in the kernel, which goes with its process and leaves no file."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from nodens.errors import LabError
from nodens.lab.world.place import Place

_CREDENTIALS: Final = struct.Struct("3i")  # of a peer: process, user, group
_ASK_S: Final = 1.0
_BACKLOG: Final = 64  # who asks is never accepted, and waits here


@contextmanager
def sole_raiser(place: Place) -> Iterator[None]:
    """Be the one who raises a world; LabError if somebody else is."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as held:
        try:
            held.bind(_name(place))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            refuse_two(place)
            raise LabError(_busy(place, 0)) from error
        held.listen(_BACKLOG)
        yield


def raiser(place: Place) -> int | None:
    """Give the process that raises a world now."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(_ASK_S)
        try:
            asking.connect(_name(place))
            told = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        except OSError:
            return None
    return int(_CREDENTIALS.unpack(told)[0])


def refuse_two(place: Place) -> None:
    """LabError if a world is being raised: what is there of it is somebody's work, and not to be cleared away."""
    if pid := raiser(place):
        raise LabError(_busy(place, pid))


def _busy(place: Place, pid: int) -> str:
    who = f" (pid {pid})" if pid else ""
    return f"lab: another `up` is raising this world{who}\nhint: wait for it; `{place.line('status')}` tells"


def _name(place: Place) -> str:
    """Give the name: an abstract socket's, so that nothing has to be cleared away."""
    return f"\0nodens.up.{place.name}"
