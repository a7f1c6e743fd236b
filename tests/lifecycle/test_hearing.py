"""Who is asked, who counts as deaf, and who does not: real sockets on the loopback, whose readers are the test's."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from nodens.lifecycle.hearing import Hearing, Tempo, Wanted
from nodens.lifecycle.probe import Place, is_on_node, partly_silent, silent
from nodens.observe import Log, Numbers, Sides, render

TEMPO = Tempo(round_s=0.05, wait_s=0.2, stream_rounds=2)
HOST = "127.0.0.53"
LIMIT_S = 10.0
Read = Callable[[socket.socket], None]


def answer(server: socket.socket) -> None:
    """Say what was asked, until the socket is shut down."""
    with contextlib.suppress(OSError):
        while True:
            question, client = server.recvfrom(512)
            if client is None:
                return
            server.sendto(question, client)


def answer_slowly(server: socket.socket) -> None:
    """Answer far fewer than come."""
    with contextlib.suppress(OSError):
        while True:
            for _ in range(2):
                question, client = server.recvfrom(512)
                if client is None:
                    return
                server.sendto(question, client)
            threading.Event().wait(0.005)


@dataclass
class Bench:
    """An address with sockets, and what is said of it."""

    numbers: Numbers = field(default_factory=Numbers)
    sockets: list[socket.socket] = field(default_factory=list)
    port: int = 0
    changed: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.reading, writing = os.pipe()
        self.log = Log(writing)
        self.sides = Sides(self.numbers, self.log, lambda _host, _port: "")
        self._writing = writing

    def udp(self, read: Read | None) -> socket.socket:
        """One more UDP socket on the address; without a reader it is deaf."""
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        server.bind((HOST, self.port))
        self.port = server.getsockname()[1]
        self.sockets.append(server)
        if read:
            threading.Thread(target=read, args=(server,), daemon=True).start()
        return server

    def tcp(self, *, is_heard: bool = True) -> socket.socket:
        """A TCP listener there: it lets in and hangs up, or nobody sees to it."""
        server = socket.create_server((HOST, self.port))
        self.port = server.getsockname()[1]
        self.sockets.append(server)

        def greet() -> None:
            with contextlib.suppress(OSError):
                while True:
                    server.accept()[0].close()

        if is_heard:
            threading.Thread(target=greet, daemon=True).start()
        return server

    def place(self) -> Place:
        return (HOST, self.port)

    def hearing(self, wanted: Callable[[], Wanted] | None = None) -> Hearing:
        hearing = Hearing(
            wanted or (lambda: Wanted(own=(self.place(),), ports=4)),
            sides=self.sides,
            numbers=self.numbers,
            log=self.log,
            tempo=TEMPO,
        )
        hearing.on_change = self.changed.set
        return hearing

    def said(self) -> str:
        os.close(self._writing)
        self._writing = -1
        with os.fdopen(self.reading, closefd=False) as lines:
            return lines.read()

    def close(self) -> None:
        for each in self.sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        if self._writing >= 0:
            os.close(self._writing)
        os.close(self.reading)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def until(bench: Bench, is_so: Callable[[], bool]) -> None:
    """Wait until something holds, looking whenever anything may have changed."""
    end_s = time.monotonic() + LIMIT_S
    while not is_so():
        assert time.monotonic() < end_s
        bench.changed.wait(0.05)
        bench.changed.clear()


def test_whoever_answers_is_not_deaf(bench: Bench) -> None:
    bench.udp(answer)
    bench.tcp()
    with bench.hearing() as hearing:
        assert not bench.changed.wait(1)
        assert hearing.deaf == ()
    assert f'nodens_listener_deaf{{address="{HOST}:{bench.port}"}} 0\n' in render(bench.numbers.samples())
    assert bench.said() == ""


def test_one_deaf_socket_of_several_is_found_and_is_trusted_again_when_it_is_gone(bench: Bench) -> None:
    for _ in range(3):
        bench.udp(answer)
    bench.tcp()
    deaf = bench.udp(None)
    with bench.hearing() as hearing:
        until(bench, lambda: bool(hearing.deaf))
        assert hearing.deaf == (f"{HOST}:{bench.port}/udp",)
        assert f'nodens_listener_deaf{{address="{HOST}:{bench.port}"}} 1\n' in render(bench.numbers.samples())
        assert bench.sides.hearing.unready == (f"{HOST}:{bench.port}/udp: gives no answer to ourselves",)
        deaf.close()
        until(bench, lambda: not hearing.deaf)
    assert bench.said() == (
        f"[ERROR] {HOST}:{bench.port}/udp: gives no answer to ourselves; expected one within 0.4 s\n"
        f"[INFO] {HOST}:{bench.port}/udp: gives answers to ourselves again\n"
    )


@pytest.mark.parametrize("is_read", [True, False], ids=["a busy reader", "nobody reads"])
def test_a_full_queue_is_deafness_only_if_nobody_reads_it(bench: Bench, is_read: bool) -> None:  # noqa: FBT001 - a row's value
    bench.udp(answer_slowly if is_read else None)
    bench.tcp()
    is_over = threading.Event()

    def flood() -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as client:
            while not is_over.wait(0.001):
                for _ in range(10):
                    client.sendto(bytes(100), (HOST, bench.port))

    flooding = threading.Thread(target=flood)
    flooding.start()
    try:
        with bench.hearing() as hearing:
            if is_read:
                assert not bench.changed.wait(2)
                assert hearing.deaf == ()
            else:
                until(bench, lambda: bool(hearing.deaf))
    finally:
        is_over.set()
        flooding.join()


def test_a_listener_that_lets_nobody_speak_is_deaf_for_tcp(bench: Bench) -> None:
    bench.udp(answer)
    bench.tcp(is_heard=False)
    with bench.hearing() as hearing:
        until(bench, lambda: bool(hearing.deaf))
        assert hearing.deaf == (f"{HOST}:{bench.port}/tcp",)


def test_an_address_that_nobody_has_or_that_left_the_plan_is_not_deaf(bench: Bench) -> None:
    bench.udp(None)
    bench.tcp()
    left = threading.Event()

    def wanted() -> Wanted:
        return Wanted(own=(("192.0.2.1", 53), *(() if left.is_set() else (bench.place(),))))

    with bench.hearing(wanted) as hearing:
        until(bench, lambda: bool(hearing.deaf))
        assert hearing.deaf == (f"{HOST}:{bench.port}/udp",)
        left.set()
        until(bench, lambda: not hearing.deaf)
    assert "again" not in bench.said()
    assert HOST not in render(bench.numbers.samples())


def test_a_borrowed_address_is_doubted_once_before_it_counts_as_deaf(bench: Bench) -> None:
    """Rules that are just being put back explain a silence; the keeper is told to look, and the next round decides."""
    bench.udp(None)
    bench.tcp()
    seen = []
    with bench.hearing(lambda: Wanted(own=(), borrowed=(bench.place(),))) as hearing:
        hearing.on_change = lambda: seen.append(hearing.deaf)
        until(bench, lambda: len(seen) > 1)
    assert seen[:2] == [(), (f"{HOST}:{bench.port}/udp",)]


def test_both_protocols_are_asked_before_traffic_comes(bench: Bench) -> None:
    bench.udp(answer)
    assert silent([bench.place()], 2, 0.2) == (f"{HOST}:{bench.port}/tcp",)
    bench.tcp()
    assert silent([bench.place(), ("192.0.2.1", 53)], 2, 0.2) == ()


def test_our_own_lack_of_descriptors_makes_nobody_deaf_and_is_said_once(bench: Bench) -> None:
    bench.udp(answer)
    bench.tcp()
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    held: list[socket.socket] = []
    with bench.hearing() as hearing:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, before[0]), before[1]))
        try:
            with contextlib.suppress(OSError):
                while True:
                    held.append(socket.socket(type=socket.SOCK_DGRAM))
            bench.changed.wait(1)
            assert is_on_node(bench.place())
            assert hearing.deaf == ()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
            for each in held:
                each.close()
        bench.changed.wait(0.5)
    said = bench.said()
    assert said == (
        f"[WARNING] {HOST}:{bench.port}: cannot be asked by ourselves: too many open files; "
        "until it can, deafness goes unseen\n"
        f"[INFO] {HOST}:{bench.port}: is asked by ourselves again\n"
    )


def test_before_traffic_comes_every_socket_that_shares_the_address_must_answer(bench: Bench) -> None:
    """The one that hangs is found however few of many it is: so many ports are asked from."""
    for _ in range(7):
        bench.udp(answer)
    bench.tcp()
    assert partly_silent([bench.place()], 0.3) == ()
    bench.udp(None)
    assert partly_silent([bench.place(), ("192.0.2.1", 53)], 0.3) == (f"{HOST}:{bench.port}/udp",)
