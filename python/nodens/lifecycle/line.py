"""A line between the process before us and the one after: whole messages, descriptors beside them, both of one user.

A message is one JSON object in one packet; descriptors ride along (SCM_RIGHTS). Whatever a stranger says or sends ends
in a HandoverError, never in another exception.
"""

from __future__ import annotations

import array
import json
import os
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from nodens import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

REPLY_S: Final = 2.0
DESCRIPTORS_LIMIT: Final = 250  # the kernel's own limit for one message is 253
_MESSAGE_BYTES: Final = 1 << 16
_CREDENTIALS: Final = struct.Struct("3i")

Message = dict[str, Any]


class HandoverError(Exception):
    """The other side is gone, silent, or says what nobody understands."""


class OtherUserError(HandoverError):
    """The other side is another user's: nothing is said."""

    def __init__(self, pid: int, user: int) -> None:
        """Name him."""
        self.pid = pid
        who = f"pid {pid}" if pid else "of another pid namespace"
        super().__init__(f"the process at the other end ({who}) is of user {user}, we are of {os.geteuid()}")


class Line:
    """A connection between the two. Descriptors that arrive are the receiver's to close."""

    def __init__(self, connected: socket.socket) -> None:
        """Speak over a connected socket. Raises OtherUserError, and hangs up, if the other side is another user's."""
        self._socket = connected
        self._socket.settimeout(REPLY_S)
        raw = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        self.pid, user, _ = _CREDENTIALS.unpack(raw)
        if user != os.geteuid():
            self.close()
            raise OtherUserError(self.pid, user)

    def say(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Send one message. Raises HandoverError."""
        words = {"nodens": __version__, "pid": os.getpid(), **message}
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        try:
            self._socket.sendmsg([json.dumps(words).encode()], rights)
        except OSError as error:
            raise HandoverError(f"cannot reach it: {_why(error)}") from error

    def hear(self, limit_s: float = REPLY_S) -> tuple[Message, list[int]]:
        """Wait for one message. Raises HandoverError."""
        room = socket.CMSG_SPACE(DESCRIPTORS_LIMIT * array.array("i").itemsize)
        try:
            self._socket.settimeout(limit_s)
            raw, rights, flags, _ = self._socket.recvmsg(_MESSAGE_BYTES, room, socket.MSG_CMSG_CLOEXEC)
        except TimeoutError as error:
            raise HandoverError(f"no word from it in {limit_s:g} s") from error
        except OSError as error:
            raise HandoverError(f"cannot hear it: {_why(error)}") from error
        found = array.array("i")
        for level, kind, content in rights:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                found.frombytes(content[: len(content) - len(content) % found.itemsize])
        descriptors = list(found)
        try:
            message = json.loads(raw) if raw and not flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC) else None
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            close_all(descriptors)
            raise HandoverError("it closed the connection" if not raw else "it says what nobody understands")
        return message, descriptors

    def hear_word(self, words: Sequence[str], limit_s: float = REPLY_S) -> str:
        """Wait for a message that is one of these words. Raises HandoverError."""
        message, strays = self.hear(limit_s)
        close_all(strays)
        for word in words:
            if message.get(word):
                return word
        raise HandoverError("it says what was not expected")

    def is_open(self) -> bool:
        """Whether the other side is still there."""
        try:
            self._socket.settimeout(0)
            return bool(self._socket.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def was_heard(self, limit_s: float = REPLY_S) -> bool:
        """Wait until the other side hangs up: whether it had read all that was said. Silence counts as yes.

        The kernel tells: who closes a socket with something unread in it resets the other side's.
        """
        try:
            self._socket.settimeout(limit_s)
            self._socket.recv(1)
        except TimeoutError:
            return True
        except OSError:
            return False
        return True

    def hang_up(self) -> None:
        """Say and hear nothing more; another thread that waits here is woken. The line is still to be closed."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up, for good."""
        self._socket.close()


def printable(told: object, limit: int) -> str:
    """Make what a stranger said fit for a line of the log: no line of his own, nothing a terminal would obey."""
    return "".join(each if each.isprintable() else "?" for each in str(told)[:limit])


def _why(error: OSError) -> str:
    """Put an error of the system into words."""
    return (error.strerror or str(error)).lower()


def close_all(descriptors: Sequence[int]) -> None:
    """Close what arrived and is not wanted."""
    for descriptor in descriptors:
        with suppress(OSError):
            os.close(descriptor)
