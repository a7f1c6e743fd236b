"""The door for looks: who may look, how many, how long; and that whoever looks or stalls there delays nobody."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from nodens.observe import Door, Log, LookError, Lookout, choose, doors, look
from nodens.observe import lookout as lookout_file

NOBODY = 65534
Bookmark = tuple[int, int, int, int]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


class Source:
    """Pages of a cache: so many, of so many entries each."""

    def __init__(self, pages: int = 2, rows: int = 2) -> None:
        self.pages, self.rows = pages, rows

    def entries(self, bookmark: Bookmark) -> tuple[str, str, Sequence[Any], Bookmark | None]:
        page, pages = bookmark[3], bookmark[1] or self.pages  # a look goes on as it began
        rows = [
            (f"n{page}-{row}.test.", "A", "IN", "success", "NOERROR", False, False, 5, 30, 160)
            for row in range(self.rows)
        ]
        return "b", "test.", rows, (0, pages, 0, page + 1) if page + 1 < pages else None


@contextmanager
def open_door(source: Source, address: str = "192.0.2.7") -> Iterator[Door]:
    """Give the door of an agent, alone of its address."""
    before = set(doors())
    with Lookout(source, [(address, 53)], Log()):
        (door,) = [each for each in doors() if each not in before and each.address == f"{address}:53"]
        yield door


def test_root_and_the_agents_own_user_see_every_name() -> None:
    with open_door(Source()) as door:
        looked = look(door)
    assert [entry.qname for entry in looked.entries] == ["n0-0.test.", "n0-1.test.", "n1-0.test.", "n1-1.test."]
    assert looked.is_all
    assert (looked.pid, looked.addresses) == (os.getpid(), ("192.0.2.7:53",))
    assert door not in doors()


@contextmanager
def nobody(does: Callable[[int], None]) -> Iterator[tuple[int, int]]:
    """Do something as another user, in a child: gives its pid and what it writes to its descriptor."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        with suppress(BaseException):
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            does(writing)
        os._exit(0)
    os.close(writing)
    try:
        yield pid, reading
    finally:
        os.close(reading)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@needs_root
def test_another_user_is_refused_and_learns_no_name() -> None:
    def knock(said: int) -> None:
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(door.name)
            while piece := line.recv(4096):
                os.write(said, piece)

    with open_door(Source()) as door, nobody(knock) as (_, reading), open(reading, closefd=False) as heard:
        said = json.loads(heard.read())
    assert said == {"refuses": f"names are shown to root and to the agent's own user (0); you are user {NOBODY}"}


@needs_root
def test_a_stranger_who_takes_an_agents_place_is_not_believed() -> None:
    door = Door(address="192.0.2.9:53", number="feed")

    def listen(said: int) -> None:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(door.name)
            listening.listen()
            os.write(said, b"up")
            signal.pause()

    with nobody(listen) as (pid, reading):
        assert os.read(reading, 2) == b"up"
        with pytest.raises(LookError, match=rf"192\.0\.2\.9:53/feed: pid {pid} of user {NOBODY} listens"):
            look(door)


def test_a_look_is_bounded_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookout_file, "ENTRIES_LIMIT", 500)
    with open_door(Source(pages=100, rows=100)) as door:
        looked = look(door)
    assert len(looked.entries) == 500
    assert not looked.is_all


def test_a_guest_that_stalls_keeps_the_next_one_waiting_no_longer_than_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookout_file, "LOOK_S", 0.5)
    source = Source(pages=1000, rows=10)
    with open_door(source) as door, socket.socket(socket.AF_UNIX) as stalled:
        stalled.connect(door.name)
        assert stalled.recv(1)
        source.pages = 1
        began = time.monotonic()
        assert look(door).is_all
        assert 0.3 < time.monotonic() - began < 5


def test_who_stalls_does_not_delay_the_end() -> None:
    with socket.socket(socket.AF_UNIX) as stalled:
        with open_door(Source(pages=100_000, rows=100)) as door:
            stalled.connect(door.name)
            assert stalled.recv(1)
            began = time.monotonic()
        assert time.monotonic() - began < 1.5
    assert not [thread for thread in threading.enumerate() if thread.name == "lookout" and gone_late(thread)]


def gone_late(thread: threading.Thread) -> bool:
    """Whether a thread is still there after a while."""
    thread.join(5)
    return thread.is_alive()


def test_a_guest_that_hangs_up_or_talks_does_no_harm() -> None:
    with open_door(Source(pages=1000, rows=100)) as door:
        for said in (b"", b"GET / HTTP/1.1\r\n\r\n" * 1000):
            with socket.socket(socket.AF_UNIX) as rude:
                rude.connect(door.name)
                rude.send(said)
        assert look(door).is_all


UNIX = """\
Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 1 @nodens-entries/169.254.20.10:53/0a
0000000000000000: 00000002 00000000 00010000 0001 01 2 @nodens-entries/[fd00::1]:53/0b
0000000000000000: 00000003 00000000 00000000 0001 03 3 @nodens-entries/169.254.20.10:53/0a
0000000000000000: 00000002 00000000 00010000 0001 01 4 /run/nodens-entries/1.2.3.4:53/0c
0000000000000000: 00000002 00000000 00010000 0001 01 5
"""


@pytest.mark.parametrize(
    ("agent", "chosen"),
    [
        pytest.param("0b", "[fd00::1]:53/0b", id="its number"),
        pytest.param("fd00::1", "[fd00::1]:53/0b", id="its address"),
        pytest.param("169.254.20.10:53", "169.254.20.10:53/0a", id="address and port"),
        pytest.param("169.254.20.10:53/0a", "169.254.20.10:53/0a", id="all of it"),
        pytest.param("10.0.0.1", "`10.0.0.1` is no agent here; expected one of: `169.254.20.10:53/0a`", id="nobody"),
        pytest.param("", "2 agents are here: `169.254.20.10:53/0a`, `[fd00::1]:53/0b`; expected `--agent`", id="two"),
    ],
)
def test_the_agent_that_is_meant_is_found(agent: str, chosen: str) -> None:
    found = doors(UNIX)
    assert [str(door) for door in found] == ["169.254.20.10:53/0a", "[fd00::1]:53/0b"]
    try:
        assert str(choose(found, agent)) == chosen
    except LookError as error:
        assert chosen in str(error)  # noqa: PT017 - one table for both ends


def test_no_agent_is_told_with_where_to_look() -> None:
    told = re.compile(r"no agent in this network namespace.*hint: .*kubectl exec", re.DOTALL)
    with pytest.raises(LookError, match=told):
        choose(doors(UNIX.partition("\n")[0]))


def test_an_agent_that_has_gone_is_told() -> None:
    with pytest.raises(LookError, match=r"192\.0\.2\.8:53/00: cannot look: connection refused"):
        look(Door(address="192.0.2.8:53", number="00"))


@pytest.mark.parametrize(
    "said", ["", "{}\n", "[]\n", "x\n", '{"nodens":"1","pid":1,"addresses":[]}\n', "[" * 5000 + "\n"]
)
def test_nonsense_from_an_agent_is_an_error_not_a_bug(said: str) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"\0{lookout_file.NAME_BEGINS}192.0.2.6:53/aa")
        listening.listen()

        def speak() -> None:
            with listening.accept()[0] as guest:
                guest.sendall(said.encode())

        speaker = threading.Thread(target=speak)
        speaker.start()
        with pytest.raises(LookError, match=r"192\.0\.2\.6:53/aa: "):
            look(Door(address="192.0.2.6:53", number="aa"))
        speaker.join()
