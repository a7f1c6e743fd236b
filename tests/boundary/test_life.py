"""A real engine behind its Python door: it answers, whatever Python does; it changes its plan and ends in order."""

from __future__ import annotations

import dataclasses
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import dns.message
import dns.query
import dns.rcode
import plans
import pytest
from answers import answer

from nodens import _engine
from nodens.errors import BindError
from nodens.plan.model import EnginePlan, Transport


@contextmanager
def running(plan: EnginePlan) -> Iterator[_engine.Engine]:
    engine = _engine.Engine(plan)
    engine.start()
    try:
        yield engine
    finally:
        engine.stop(1000)


def ask(address: tuple[str, int], name: str = "x.test.", *, is_tcp: bool = False) -> str:
    query = dns.message.make_query(name, "A")
    send = dns.query.tcp if is_tcp else dns.query.udp
    response = send(query, address[0], port=address[1], timeout=5)
    return str(response.answer[0][0]) if response.answer else dns.rcode.to_text(response.rcode())


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "0.0.0.0"])
def test_a_forwarded_query_is_answered_over_both_transports(upstream: int, address: str, workers: int) -> None:
    forward = plans.forward(upstream)
    with running(plans.whole(forward, listeners=(plans.listener(address),), workers=workers)) as engine:
        ((host, port),) = engine.addresses()
        assert port
        host = "127.0.0.9" if host == "0.0.0.0" else host
        for number in range(4):
            assert ask((host, port), f"n{number}.test.") == "192.0.2.1"
            assert ask((host, port), f"n{number}.test.", is_tcp=True) == "192.0.2.1"
        assert len(engine.pulse()) == workers


def test_a_new_plan_keeps_the_sockets_that_stay_and_a_bad_one_changes_nothing(upstream: int) -> None:
    one = plans.listener()
    with running(plans.whole(plans.forward(upstream), listeners=(one,))) as engine:
        (first,) = engine.addresses()
        assert ask(first) == "192.0.2.1"
        both = plans.whole(plans.forward(upstream), listeners=(one, plans.listener("127.0.0.2")))
        engine.apply(both)
        stayed, came = engine.addresses()
        assert stayed == first
        assert ask(stayed) == ask(came) == "192.0.2.1"
        with pytest.raises(BindError):
            engine.apply(plans.whole(plans.forward(upstream), listeners=(one, plans.listener("192.0.2.9"))))
        assert engine.addresses() == (stayed, came)
        assert ask(stayed) == ask(came) == "192.0.2.1"
        engine.apply(plans.whole(plans.forward(upstream), listeners=(plans.listener("127.0.0.2"),)))
        assert engine.addresses() == (came,)
        assert ask(came) == "192.0.2.1"
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as late:
            assert late.connect_ex(first) != 0


def test_applying_again_and_again_loses_no_query(upstream: int) -> None:
    plan = plans.quiet(upstream)
    with running(plan) as engine:
        (address,) = engine.addresses()
        answers: list[str] = []
        asker = threading.Thread(target=lambda: answers.extend(ask(address, f"r{n}.test.") for n in range(200)))
        asker.start()
        applied = 0
        while asker.is_alive():
            engine.apply(plan)
            applied += 1
        asker.join()
        assert answers == ["192.0.2.1"] * 200
        assert applied > 10


# A second process asks, while this one holds the GIL and never lets it go.
LATE_ASKER = """
import socket, sys, time
address = (sys.argv[1], int(sys.argv[2]))
query = b"\\x12\\x34\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x01x\\x04test\\x00\\x00\\x01\\x00\\x01"
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.settimeout(5)
asker.connect(address)
print("ready", flush=True)
sys.stdin.readline()
worst = 0.0
for _ in range(300):
    begin = time.monotonic()
    asker.send(query)
    asker.recv(4096)
    worst = max(worst, time.monotonic() - begin)
print(worst)
"""


def test_python_holds_the_gil_in_a_busy_loop_and_no_answer_is_late(upstream: int) -> None:
    with running(plans.whole(plans.forward(upstream))) as engine:
        (address,) = engine.addresses()
        assert ask(address) == "192.0.2.1"  # from the cache from now on: the upstream is Python too
        command = [sys.executable, "-c", LATE_ASKER, address[0], str(address[1])]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as asker:
            assert asker.stdin is not None
            assert asker.stdout is not None
            assert asker.stdout.readline() == "ready\n"
            before = sys.getswitchinterval()
            sys.setswitchinterval(1000)
            try:
                asker.stdin.write("go\n")
                asker.stdin.flush()
                until = time.monotonic() + 0.7
                while time.monotonic() < until:
                    pass
            finally:
                sys.setswitchinterval(before)
            worst = float(asker.stdout.readline())
        assert worst < 0.2  # two busy cores; a late answer would have waited for the whole loop


def test_a_waiting_event_does_not_hold_the_gil_and_ends_with_the_engine() -> None:
    engine = _engine.Engine(plans.whole())
    engine.start()
    heard: list[object] = []
    waiter = threading.Thread(target=lambda: heard.append(engine.next_event(20_000)))
    waiter.start()
    begin = time.monotonic()
    engine.stop(1000)
    waiter.join(5)
    assert not waiter.is_alive()
    assert time.monotonic() - begin < 2
    assert heard == [None]


def test_an_idle_worker_still_turns() -> None:
    with running(plans.whole(workers=2)) as engine:
        before = engine.pulse()
        until = time.monotonic() + 5
        while time.monotonic() < until and any(now == then for now, then in zip(engine.pulse(), before, strict=True)):
            engine.next_event(50)
        assert all(now > then for now, then in zip(engine.pulse(), before, strict=True))


def test_a_forward_over_tcp_reaches_its_upstream_and_counts_its_connections() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        plan = plans.whole(plans.forward(server.getsockname()[1], Transport.TCP))
        quiet = dataclasses.replace(plan.blocks[0], loop_zone=None)  # whose probe would be the first query
        with running(dataclasses.replace(plan, blocks=(quiet,))) as engine:
            (address,) = engine.addresses()
            asker = threading.Thread(target=ask, args=(address,))
            asker.start()
            connection, _ = server.accept()
            with connection, connection.makefile("rb") as stream:
                length = int.from_bytes(stream.read(2), "big")
                query = stream.read(length)
                response = answer(query)
                connection.sendall(len(response).to_bytes(2, "big") + response)
                asker.join(5)
            names = [name for name, *_ in _engine.CATALOGUE]
            misses = names.index("coredns_proxy_conn_cache_misses_total")
            assert [value for family, _, value in engine.snapshot() if family == misses] == [1.0]


def test_a_client_who_floods_with_garbage_stops_nothing(upstream: int) -> None:
    with running(plans.whole(plans.forward(upstream))) as engine:
        (address,) = engine.addresses()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
            for length in range(0, 600, 3):
                flood.sendto(bytes((length * number) % 251 for number in range(length)), address)
            flood.sendto(bytes(5000), address)
        assert ask(address) == "192.0.2.1"
        assert engine.next_event(1) is None


def free_port() -> int:
    """Find a port that is free on all of 127.0.0.0/8 just now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as finder:
        finder.bind(("0.0.0.0", 0))
        return int(finder.getsockname()[1])


def test_a_listener_that_moves_to_all_addresses_and_back_loses_no_query(upstream: int) -> None:
    port = free_port()
    one, every = (plans.quiet(upstream, plans.listener(address, port)) for address in ("127.0.0.1", "0.0.0.0"))
    with running(one) as engine:
        answers: list[str] = []
        address = ("127.0.0.1", port)
        asker = threading.Thread(target=lambda: answers.extend(ask(address, f"m{n}.test.") for n in range(200)))
        asker.start()
        while asker.is_alive():
            engine.apply(every)
            engine.apply(one)
        asker.join()
        assert answers == ["192.0.2.1"] * 200


@pytest.mark.parametrize("is_tcp", [False, True])
def test_stop_waits_for_the_answer_of_a_query_in_flight(is_tcp: bool) -> None:  # noqa: FBT001 - a row's value
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as slow:
        slow.bind(("127.0.0.1", 0))
        slow.settimeout(5)
        engine = _engine.Engine(plans.quiet(slow.getsockname()[1]))
        engine.start()
        (address,) = engine.addresses()
        heard: list[str] = []
        asker = threading.Thread(target=lambda: heard.append(ask(address, is_tcp=is_tcp)))
        asker.start()
        query, worker = slow.recvfrom(4096)
        stopper = threading.Thread(target=engine.stop, args=(5000,))
        stopper.start()
        while engine.next_event(10) is not None:  # gives None at once when the engine has begun to stop
            pass
        stopper.join(0.05)
        assert stopper.is_alive()
        slow.sendto(answer(query), worker)
        asker.join(5)
        stopper.join(5)
        assert heard == ["192.0.2.1"]
        assert not stopper.is_alive()


def test_stop_does_not_wait_longer_than_its_deadline() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.settimeout(5)
        engine = _engine.Engine(plans.quiet(silent.getsockname()[1]))
        engine.start()
        (address,) = engine.addresses()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.sendto(dns.message.make_query("x.test.", "A").to_wire(), address)
            silent.recvfrom(4096)
            begin = time.monotonic()
            engine.stop(100)
            assert 0.05 < time.monotonic() - begin < 1


def test_the_log_comes_out_line_by_line_and_a_closed_output_hurts_nobody(upstream: int) -> None:
    script = """
import os, sys, time
sys.path.insert(0, sys.argv[2])
import dataclasses, plans
from nodens import _engine
import dns.message, dns.query
plan = plans.whole(plans.forward(int(sys.argv[1])))
plan = dataclasses.replace(plan, blocks=(dataclasses.replace(plan.blocks[0], log=plans.with_log()),))
engine = _engine.Engine(plan)
engine.start()
((host, port),) = engine.addresses()
for number in range(int(sys.argv[3])):
    dns.query.udp(dns.message.make_query(f"l{number}.test.", "A"), host, port=port, timeout=5)
engine.stop(1000)
dropped = [name for name, *_ in _engine.CATALOGUE].index("nodens_log_dropped_total")
print(sum(v for family, _, v in engine.snapshot() if family == dropped), file=sys.stderr)
"""
    here = str(__import__("pathlib").Path(__file__).parent)
    command = [sys.executable, "-c", script, str(upstream), here, "20"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"[INFO] 127.0.0.1 l{number}.test." for number in range(20)]
    assert done.stderr == "0.0\n"
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as closed:
        assert closed.stdout is not None
        assert closed.stderr is not None
        closed.stdout.close()
        assert closed.stderr.read() == "20.0\n"
