"""How one process takes over from another: what is said, and the side of the one that comes.

The door is an abstract unix socket, named after the node's first address, in the node's network namespace: no file to
mount, gone with its process. Anybody may take the name, so it is a hint: who it is shows in the proof (CAP_NET_ADMIN
over this namespace, see `network.prove`), which both sides give before anything of worth is said. docs/architecture.md
draws who may do what when.

    new -> old  {"asks": "who", "said": "4f.."}                                  the name it will prove itself under
    old -> new  {"states": [1], "said": "9a..", "serves": [[address, port]..]} + proof
    new -> old  {"asks": "all", "states": [1]} + proof         or {"beside": true}, proved, too: by itself
    old -> new  {"state": 1, ...} + all                        or {"refuses": "why"}, and perhaps `beside` after it
    new -> old  {"reads": true}      it answers from the sockets that were lent
    old -> new  {"left": true}       the old one steers no more; it still answers, and takes it back if nobody takes it
    new -> old  {"takes": true}      it wants it
    old -> new  {"gone": true}       it is the new one's: from now on the old one reads no more

Whoever finds the line closed before `gone` has not handed over, or got nothing: the old one goes on, the new one closes
what it was lent without a change. Unless the other one is dead: then the new one has it all.
"""

from __future__ import annotations

import secrets
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from nodens import network
from nodens.lifecycle.estate import STATE, read_estate
from nodens.lifecycle.line import REPLY_S, HandoverError, Line, OtherUserError, close_all, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nodens.lifecycle.estate import Estate
    from nodens.lifecycle.line import Message

OFFER_S: Final = 5.0  # the other one may be in the middle of a reload
LEAVE_S: Final = 15.0  # it may wait for the lock of iptables before it steers no more
DEATH_S: Final = 2.0  # between the end of a line and the end of its process


def door_name(address: str, port: int) -> str:
    """Name the door of whoever serves this address: equal for all agents of a node, and for nobody else."""
    return f"\0nodens/{address}/{port}"


def proof_numbers(name: str, asked: str, answered: str, *, is_answer: bool) -> tuple[int, ...]:
    """Settle under which numbers one side proves itself to the other, at this door, in this conversation."""
    return network.numbers_for(name, asked, answered, is_answer=is_answer)


@dataclass(slots=True, kw_only=True)
class Predecessor:
    """Who is at the door. `refusal`: why nothing is handed over; `estate`: what is lent, once it was asked for."""

    name: str
    pid: int = 0
    version: str = ""
    serves: frozenset[tuple[str, int]] = frozenset()
    is_agent: bool = False  # it has proved that it may steer this node's traffic
    is_of_us: bool = True  # it is of our user, so that ports can be shared with it
    refusal: str = ""
    estate: Estate | None = None
    line: Line | None = field(default=None, repr=False)
    said: tuple[str, str] = ("", "")

    def __str__(self) -> str:
        """Name it as the log does."""
        return f"pid {self.pid}" if self.pid else "the process at the door (of another pid namespace)"

    def introduce(self) -> None:
        """Ask who it is."""
        asked = secrets.token_hex(16)
        message, descriptors = self._ask({"asks": "who", "said": asked}, (), REPLY_S)
        try:
            self.version = printable(message.get("nodens", ""), 64)
            if "refuses" in message:
                self.refusal = printable(message["refuses"], 256)
                return
            self.said = asked, str(message["said"])
            self.serves = frozenset((str(address), int(port)) for address, port in message["serves"])
            self.is_agent = network.is_proof(descriptors, proof_numbers(self.name, *self.said, is_answer=True))
            if not self.is_agent:
                self.refusal = "it does not prove that it may steer traffic here"
        except (KeyError, TypeError, ValueError, OverflowError):
            self.refusal = self.refusal or "what it says is not understood"
        finally:
            close_all(descriptors)

    def borrow(self) -> None:
        """Ask for all: an `estate`, or a `refusal`."""
        if not self.line or self.refusal:
            return
        try:
            with network.prove(proof_numbers(self.name, *self.said, is_answer=False)) as proof:
                message, descriptors = self._ask({"asks": "all", "states": [STATE]}, proof, OFFER_S)
        except OSError as error:
            self.refusal = f"we cannot prove that we may steer traffic: {(error.strerror or str(error)).lower()}"
            return
        if "refuses" in message or self.refusal:
            self.refusal = printable(message.get("refuses", self.refusal), 256)
            close_all(descriptors)
            return
        try:
            self.estate = read_estate(message, descriptors)
        except (KeyError, TypeError, ValueError, IndexError, OverflowError):
            close_all(descriptors)
            self.refusal = "what it gives is not understood"

    def _ask(self, question: Message, descriptors: Sequence[int], limit_s: float) -> tuple[Message, list[int]]:
        """Say and hear; what goes wrong is the reason why nothing is handed over."""
        if not self.line:
            return {}, []
        try:
            self.line.say(question, descriptors)
            return self.line.hear(limit_s)
        except HandoverError as error:
            self.refusal = str(error)
            return {}, []

    def live_beside(self) -> None:
        """Want nothing of it, and say so; if it is gone, it need not know."""
        if self.line:
            with suppress(HandoverError):
                self._say_beside(self.line)
        self.close()

    def _say_beside(self, line: Line) -> None:
        """Say it with a proof, if there is one to give and it has not got it. Raises HandoverError."""
        try:
            with network.prove(
                proof_numbers(self.name, *self.said, is_answer=False) if any(self.said) else ()
            ) as proof:
                line.say({"beside": True}, proof)
        except OSError:
            line.say({"beside": True})

    def take(self) -> None:
        """Say that we answer, wait until it has let go, and take it. Raises HandoverError: it is not ours."""
        if not self.line:
            raise HandoverError("we hung up")
        for word, answer in (("reads", "left"), ("takes", "gone")):
            self.line.say({word: True})
            self.line.hear_word((answer,), LEAVE_S)

    def close(self) -> None:
        """Hang up, and close what was lent and not yet used."""
        if self.line:
            self.line.close()
            self.line = None


def meet(name: str) -> Predecessor | None:
    """Knock at the door and ask who is there: None if nobody is."""
    knocking = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    knocking.settimeout(REPLY_S)  # a door that is never opened must not hold up a start
    try:
        knocking.connect(name)
    except (ConnectionRefusedError, FileNotFoundError):
        knocking.close()
        return None
    except OSError:
        knocking.close()
        return Predecessor(name=name, refusal="it does not open its door")
    try:
        line = Line(knocking)
    except OtherUserError as error:
        return Predecessor(name=name, pid=error.pid, is_of_us=False, refusal=str(error))
    found = Predecessor(name=name, pid=line.pid, line=line)
    found.introduce()
    return found
