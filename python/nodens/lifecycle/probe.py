"""Questions to ourselves over the real sockets, by UDP and by TCP: what is silent here is silent for pods, too.

They are asked from the very address that they ask, so the engine answers them and counts them nowhere.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import time
from contextlib import suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, TypeAlias

from nodens import network
from nodens.errors import EngineError
from nodens.lifecycle.words import spell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

TRIES: Final = 3
_WAIT_S: Final = 1.0
_HEADER_BYTES: Final = 12
_STATUS: Final = 2 << 11  # opcode STATUS: any server refuses it by itself, nothing goes upstream, nothing is cached
_ANSWER_BYTES: Final = 512
_PORTS_A_SOCKET: Final = 8  # chance spreads ports over sockets: so many leave one in three thousand unasked
_PORTS_AT_LEAST: Final = 16
_PORTS_LIMIT: Final = 128  # each is a descriptor for a moment
_PRIVILEGED: Final = range(600, 1024)  # bindresvport's: whoever has no capability cannot take these from us
_LACKS: Final = frozenset(
    {errno.EADDRINUSE, errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
)  # what we have too little of; it tells nothing of the address

Place: TypeAlias = tuple[str, int]
"""An address and a port."""


class Asker:
    """A UDP socket that asks one address again and again: the kernel gives it to the same listener each time.

    A listener is one of several sockets that share the address (one a worker); the asker's port decides which.
    """

    def __init__(self, place: Place) -> None:
        """Take a port. Raises OSError if the address is not on this node, or if there is none to have (`is_lack`)."""
        self.place = place
        self._number = os.urandom(2)
        self.socket = _bound(place, socket.SOCK_DGRAM)
        self.socket.settimeout(0)

    def ask(self) -> None:
        """Ask. What the kernel refuses is as silent as what nobody hears."""
        try:
            self.socket.connect(_target(self.place))
            self.socket.send(_question(self._number))
        except OSError:
            return

    def is_answered(self) -> bool:
        """Read what came; whether it bears our number."""
        try:
            return self.socket.recv(_ANSWER_BYTES)[:2] == self._number
        except OSError:
            return False

    def close(self) -> None:
        """Give the port back."""
        self.socket.close()


def wait_for_answers(
    askers: Sequence[Asker], wait_s: float, look: Callable[[], None] | None = None, look_s: float = 0.01
) -> list[Asker]:
    """Wait until all are answered, at most so long; gives the silent ones. `look` is called now and then meanwhile."""
    waiting = {asker.socket.fileno(): asker for asker in askers}
    deadline_s = time.monotonic() + wait_s
    poller = select.poll()
    for descriptor in waiting:
        poller.register(descriptor, select.POLLIN)
    while waiting and (left_s := deadline_s - time.monotonic()) > 0:
        for descriptor, _ in poller.poll(1000 * (min(left_s, look_s) if look else left_s)):
            # An error is told once: who is refused now may be answered a moment later, and is asked again.
            if waiting[descriptor].is_answered():
                poller.unregister(descriptor)
                del waiting[descriptor]
        if look:
            look()
    return [asker for asker in waiting.values() if not asker.is_answered()]


def ask_again(silent: list[Asker], wait_s: float) -> tuple[list[Asker], set[Place]]:
    """Ask once more, and watch the sockets' queues meanwhile; gives who is silent still, and which places are busy."""
    looks: dict[Place, list[network.QueueLook]] = {asker.place: [] for asker in silent}

    def look() -> None:
        for place, seen in looks.items():
            seen.append(network.survey_queues(*place))

    look()
    for asker in silent:
        asker.ask()
    still = wait_for_answers(silent, wait_s, look)
    return still, {place for place, seen in looks.items() if network.are_busy(seen)}


def is_lack(error: OSError) -> bool:
    """Whether it is we who cannot ask: no port, no descriptor, no memory. That tells nothing of who is asked."""
    return error.errno in _LACKS


def is_on_node(place: Place) -> bool:
    """Whether a socket can have this address here; with IP_FREEBIND ours may listen where nothing can come."""
    try:
        _bound(place, socket.SOCK_DGRAM).close()
    except OSError as error:
        return is_lack(error)
    return True


def is_heard_by_stream(place: Place, wait_s: float) -> bool:
    """Ask once by TCP. Whoever lets us in and hangs up has heard us, too: he has too many guests.

    Where we cannot ask for lack of a port we call nobody deaf.
    """
    number = os.urandom(2)
    question = _question(number)
    try:
        asking = _bound(place, socket.SOCK_STREAM)
    except OSError as error:
        return is_lack(error)
    with asking as line:
        line.settimeout(wait_s)
        try:
            line.connect(_target(place))
        except OSError:
            return False
        try:
            line.sendall(len(question).to_bytes(2, "big") + question)
            answer = line.recv(_ANSWER_BYTES)
        except TimeoutError:
            return False
        except OSError:
            return True
        return not answer or answer[2:4] == number


def silent(places: Iterable[Place], tries: int, wait_s: float) -> tuple[str, ...]:
    """Ask each by UDP and by TCP, a few times; gives who stayed silent. What is not on this node is not asked."""
    found = []
    for place in places:
        if not is_on_node(place):
            continue
        if not _is_heard(place, tries, wait_s):
            found.append(f"{spell(*place)}/udp")
        if not any(is_heard_by_stream(place, wait_s) for _ in range(tries)):
            found.append(f"{spell(*place)}/tcp")
    return tuple(found)


def unheard(place: Place, ports: int, wait_s: float) -> int:
    """Ask by UDP from so many ports, the silent ones twice; gives how many stayed silent.

    Raises OSError if the address is not on this node.
    """
    askers: list[Asker] = []
    try:
        askers.extend(Asker(place) for _ in range(ports))
        silent_ones = askers
        for _ in range(2):
            for asker in silent_ones:
                asker.ask()
            silent_ones = wait_for_answers(silent_ones, wait_s) if silent_ones else []
        return len(silent_ones)
    finally:
        for asker in askers:
            asker.close()


def partly_silent(places: Iterable[Place], wait_s: float) -> tuple[str, ...]:
    """Ask each by UDP from so many ports that every socket on it is asked; gives those where one stayed silent twice.

    Of several who share an address a single one that hangs is enough. What is not on this node is not asked, and load
    explains silence.
    """
    found = []
    for place in places:
        askers: list[Asker] = []
        try:
            with suppress(OSError):  # not on this node, or we lack ports: said elsewhere
                askers.extend(Asker(place) for _ in range(_ports_for(place)))
            for asker in askers:
                asker.ask()
            if not (unheard_once := wait_for_answers(askers, wait_s)):
                continue
            still, busy = ask_again(unheard_once, wait_s)
            if still and place not in busy:
                found.append(f"{spell(*place)}/udp")
        finally:
            for asker in askers:
                asker.close()
    return tuple(found)


def unheard_in_part(places: Sequence[Place], tries: int, wait_s: float) -> tuple[str, ...]:
    """Ask each by UDP from many ports, and by TCP a few times; gives what stayed silent, if only in part."""
    return tuple(dict.fromkeys((*partly_silent(places, wait_s), *silent(places, tries, wait_s))))


def _ports_for(place: Place) -> int:
    """Say from how many ports an address is asked: there may be others' sockets beside ours."""
    sockets = len(network.survey_queues(*place))
    return min(max(_PORTS_A_SOCKET * sockets, _PORTS_AT_LEAST), _PORTS_LIMIT)


def answer_ourselves(places: Iterable[Place], *, is_sharing: bool = False) -> tuple[Place, ...]:
    """Ask each address that is on this node; gives those that are not. Raises EngineError if one stays silent.

    Where we share it with another one, who may hang and then goes, silence is no end: who steers asks again till then.
    """
    wanted = list(places)
    away = tuple(place for place in wanted if not is_on_node(place))
    if not is_sharing and (mute := silent(wanted, TRIES, _WAIT_S)):
        raise EngineError(f"{mute[0]}: gives no answer to ourselves; expected one within {TRIES * _WAIT_S:.0f} s")
    return away


def _is_heard(place: Place, tries: int, wait_s: float) -> bool:
    """Ask by UDP, each time from another port."""
    for _ in range(tries):
        try:
            asker = Asker(place)
        except OSError:
            return True  # it went meanwhile
        try:
            asker.ask()
            if not wait_for_answers([asker], wait_s):
                return True
        finally:
            asker.close()
    return False


def _question(number: bytes) -> bytes:
    """Compose the question: a header alone."""
    return number + _STATUS.to_bytes(2, "big") + bytes(_HEADER_BYTES - 4)


def _target(place: Place) -> Place:
    """Say where to send: what listens on all addresses is asked on the loopback's."""
    ip = ip_address(place[0].partition("%")[0])
    if ip.is_unspecified:
        return ("127.0.0.1" if ip.version == 4 else "::1"), place[1]  # noqa: PLR2004 - the two versions of IP
    return place


def _bound(place: Place, kind: socket.SocketKind) -> socket.socket:
    """Make a socket with the address that it is going to ask. Raises OSError if that is not on this node."""
    address, _ = _target(place)
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    try:
        made.bind((address, 0))
    except OSError as error:
        if error.errno == errno.EADDRINUSE and _has_privileged_port(made, address):
            return made
        made.close()
        raise
    return made


def _has_privileged_port(made: socket.socket, address: str) -> bool:
    """Take a port that users without rights cannot: they may have taken all others, of one address even for free."""
    first = int.from_bytes(os.urandom(2)) % len(_PRIVILEGED)
    for port in (*_PRIVILEGED[first:], *_PRIVILEGED[:first]):
        try:
            made.bind((address, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return False
        else:
            return True
    return False
