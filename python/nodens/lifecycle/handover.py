"""From the process before us, and to the one after: listening sockets, link, table and cache, through one socket.

The door is an abstract unix socket, named after the node's own address, in the node's network namespace: no file to
mount, gone with its process. A message is one JSON object in one packet; descriptors ride along (SCM_RIGHTS). Both
sides are of one user (SO_PEERCRED), or nothing is said. size: both sides of one conversation stand on one page.

    new -> old  {"nodens": "0.1.0", "pid": 7, "states": [1], "asks": "who" | "all"}
    old -> new  {"nodens": "0.1.0", "pid": 3, "refuses": "why"}            answer to "who", or a state it does not know
             or {"nodens": "0.1.0", "pid": 3, "state": 1, "steering": "...", "instance": "...", "sockets": [...]} + all
    new -> old  {"reads": true}      it answers from the sockets          {"beside": true}    it came by itself
    old -> new  {"left": true}       the old one reads no more and beats no more: the new one steers

Until `reads` is said, the old one goes on as if nothing had been asked, whatever becomes of the new one.
"""

from __future__ import annotations

import array
import json
import os
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final, Self

from nodens import __version__
from nodens.lifecycle.intents import Visit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nodens.engine import SocketRow
    from nodens.lifecycle.intents import Intents

STATE: Final = 1  # of what is handed over; another number when its meaning changes
REPLY_S: Final = 2.0
READY_S: Final = 10.0  # the successor binds, reads the cache and starts; until then we answer
_MESSAGE_BYTES: Final = 1 << 16
_DESCRIPTORS_LIMIT: Final = 250  # the kernel's own limit for one message is 253
_KNOCK_AGAIN_S: Final = 1.0
_CREDENTIALS: Final = struct.Struct("3i")

Message = dict[str, Any]


class HandoverError(Exception):
    """The other side is gone, silent, of another user, or says what nobody understands."""


def door_name(address: str, port: int) -> str:
    """Name the door of whoever serves this address: equal for all agents of a node, and for nobody else."""
    return f"\0nodens/{address}/{port}"


class Line:
    """A connection between the two. Descriptors that arrive are the receiver's to close."""

    def __init__(self, connected: socket.socket) -> None:
        """Speak over a connected socket. Raises HandoverError if the other side is another user's."""
        self._socket = connected
        self._socket.settimeout(REPLY_S)
        raw = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        self.pid, user, _ = _CREDENTIALS.unpack(raw)
        if user != os.geteuid():
            self.close()
            raise HandoverError(f"the process at the other end is of user {user}, we are of {os.geteuid()}")

    def say(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Send one message. Raises HandoverError."""
        words = {"nodens": __version__, "pid": os.getpid(), **message}
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        try:
            self._socket.sendmsg([json.dumps(words).encode()], rights)
        except OSError as error:
            raise HandoverError(f"cannot reach it: {(error.strerror or str(error)).lower()}") from error

    def hear(self, limit_s: float = REPLY_S) -> tuple[Message, list[int]]:
        """Wait for one message. Raises HandoverError."""
        self._socket.settimeout(limit_s)
        room = socket.CMSG_SPACE(_DESCRIPTORS_LIMIT * array.array("i").itemsize)
        try:
            raw, rights, flags, _ = self._socket.recvmsg(_MESSAGE_BYTES, room, socket.MSG_CMSG_CLOEXEC)
        except TimeoutError as error:
            raise HandoverError(f"no word from it in {limit_s:g} s") from error
        except OSError as error:
            raise HandoverError(f"cannot hear it: {(error.strerror or str(error)).lower()}") from error
        found = array.array("i")
        for level, kind, content in rights:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                found.frombytes(content[: len(content) - len(content) % found.itemsize])
        descriptors = list(found)
        try:
            message = json.loads(raw) if raw and not flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC) else None
        except ValueError:
            message = None
        if not isinstance(message, dict):
            close_all(descriptors)
            raise HandoverError("it closed the connection" if not raw else "it says what nobody understands")
        return message, descriptors

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def close_all(descriptors: Sequence[int]) -> None:
    """Close what arrived and is not wanted."""
    for descriptor in descriptors:
        with suppress(OSError):
            os.close(descriptor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    """What the process before us gives: descriptors are ours now. `steering` is the plan that it steered by."""

    version: str
    pid: int
    instance: str
    steering: str
    sockets: tuple[SocketRow, ...]
    door: int
    cache: int
    tun: int | None
    table: int | None

    def close(self) -> None:
        """Want none of it."""
        rest = [each for each in (self.door, self.cache, self.tun, self.table) if each is not None]
        close_all([*(row[3] for row in self.sockets), *rest])


@dataclass(slots=True, kw_only=True)
class Predecessor:
    """Who is there already. `estate` is what it gives, if it gives anything; else `refusal` says why not."""

    pid: int
    version: str = ""
    refusal: str = ""
    estate: Estate | None = None
    line: Line | None = field(default=None, repr=False)

    def say(self, word: str) -> None:
        """Tell it something; if it is gone, it need not know."""
        with suppress(HandoverError):
            if self.line:
                self.line.say({word: True})

    def has_left(self) -> bool:
        """Say that we answer, and wait until it has let go; also if it died in between."""
        self.say("reads")
        try:
            return bool(self.line and self.line.hear()[0].get("left"))
        except HandoverError:
            return False
        finally:
            self.close()

    def close(self) -> None:
        """Hang up."""
        if self.line:
            self.line.close()


def meet(name: str, *, asks_all: bool) -> Predecessor | None:
    """Knock at the door: None if nobody is there. Raises HandoverError if it is another user's."""
    knocking = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    knocking.settimeout(REPLY_S)  # a door that is never opened must not hold up a start
    try:
        knocking.connect(name)
    except OSError:
        knocking.close()
        return None
    line = Line(knocking)
    try:
        line.say({"states": [STATE], "asks": "all" if asks_all else "who"})
        message, descriptors = line.hear()
    except HandoverError as error:
        return Predecessor(pid=line.pid, refusal=str(error), line=line)
    version, pid = str(message.get("nodens", "")), int(message.get("pid") or line.pid)
    try:
        estate = None if "refuses" in message else _read_estate(message, descriptors)
    except (KeyError, TypeError, ValueError, IndexError):
        close_all(descriptors)
        return Predecessor(pid=pid, version=version, refusal="what it gives is not understood", line=line)
    refusal = str(message.get("refuses", ""))
    return Predecessor(pid=pid, version=version, refusal=refusal, estate=estate, line=line)


def _read_estate(message: Message, descriptors: Sequence[int]) -> Estate:
    """Put names to descriptors, in the order in which they were sent. Raises whatever a strange message raises."""
    if message["state"] != STATE:
        raise ValueError(message["state"])
    rest = list(descriptors)
    door, cache = rest.pop(0), rest.pop(0)
    # The table's has the lower number: when we are killed it goes first, and with it the pods' way to us.
    table = rest.pop(0) if message["has_table"] else None
    tun = rest.pop(0) if message["has_tun"] else None
    rows = list(zip(message["sockets"], rest, strict=True))
    return Estate(
        version=str(message["nodens"]),
        pid=int(message["pid"]),
        instance=str(message["instance"]),
        steering=str(message["steering"]),
        sockets=tuple(
            (str(address), int(port), "udp" if protocol == "udp" else "tcp", descriptor)
            for (address, port, protocol), descriptor in rows
        ),
        door=door,
        cache=cache,
        tun=tun,
        table=table,
    )


class Door:
    """Where the process after us knocks. Who only asks who is here is answered at once; the rest is the life loop's."""

    def __init__(self, name: str, intents: Intents, inherited: int | None = None) -> None:
        """Listen, or wait until the name is free, or take over the socket of the process before us."""
        self._name = name
        self._intents = intents
        self._listening = None if inherited is None else socket.socket(fileno=inherited)
        self._is_over = Event()
        self._thread = Thread(target=self._run, name="door", daemon=True)

    def __enter__(self) -> Self:
        """Open it. Who comes in the same moment finds it taken."""
        self._open()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close it; who knocks now finds nobody, or our successor."""
        self._is_over.set()
        self._thread.join(_KNOCK_AGAIN_S + REPLY_S)
        if self._listening:
            self._listening.close()

    @property
    def descriptor(self) -> int | None:
        """The listening socket, to hand over."""
        return self._listening.fileno() if self._listening else None

    def _open(self) -> bool:
        """Take the name if it is free."""
        if self._listening is None:
            made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            try:
                made.bind(self._name)
                made.listen()
            except OSError:
                made.close()
                return False
            self._listening = made
        self._listening.settimeout(_KNOCK_AGAIN_S / 4)
        return True

    def _run(self) -> None:
        """Let one after the other in."""
        while not self._is_over.is_set():
            if not self._open() or self._listening is None:
                self._is_over.wait(_KNOCK_AGAIN_S)
                continue
            with suppress(OSError, HandoverError):
                self._hear(Line(self._listening.accept()[0]))

    def _hear(self, line: Line) -> None:
        """Answer who asks who we are; give the life loop who asks for all."""
        try:
            message, descriptors = line.hear()
        except HandoverError:
            line.close()
            raise
        close_all(descriptors)
        states = message.get("states")
        if message.get("asks") != "all":
            line.say({"refuses": "nothing was asked for"})
        elif not isinstance(states, list) or STATE not in states:
            line.say({"refuses": f"state {states} is not known to nodens {__version__}, which knows {STATE}"})
        else:
            self._intents.put(Visit(line=line, version=str(message.get("nodens", "")), pid=line.pid))
            return
        # A stranger to our state may still live beside us, and says so.
        with suppress(HandoverError):
            if line.hear()[0].get("beside"):
                self._intents.put(Visit(line=None, version=str(message.get("nodens", "")), pid=line.pid))
        line.close()


def give(line: Line, estate: Message, descriptors: Sequence[int], between: Callable[[], None]) -> str:
    """Offer everything, do what is to be done between, and wait for the one word: `reads`, `beside` or nothing."""
    if len(descriptors) > _DESCRIPTORS_LIMIT:
        line.say({"refuses": f"{len(descriptors)} descriptors are more than one message carries"})
        return ""
    line.say({"state": STATE, **estate}, descriptors)
    between()
    said, stray = line.hear(READY_S)
    close_all(stray)
    return next((word for word in ("reads", "beside") if said.get(word)), "")
