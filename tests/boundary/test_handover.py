"""One engine after the other on the same port: under load no query is lost, and what was known stays known."""

from __future__ import annotations

import dataclasses
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

import dns.message
import plans
import pytest
from answers import answer

from nodens import _engine
from nodens import engine as engine_room
from nodens.errors import BindError, EngineError, EngineStopped
from nodens.lab.load import Load, Outcome, apply_load
from nodens.plan.model import EnginePlan

NAMES = [f"n{number}.test." for number in range(300)]
RATE_PER_S = 2000


@dataclass
class Upstream:
    """Answers everything, and counts it."""

    port: int = 0
    asked: int = 0


@pytest.fixture
def counted() -> Iterator[Upstream]:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    upstream = Upstream(port=server.getsockname()[1])

    def serve() -> None:
        while True:
            query, client = server.recvfrom(4096)
            if not query:
                return
            upstream.asked += 1
            server.sendto(answer(query), client)

    thread = threading.Thread(target=serve)
    thread.start()
    yield upstream
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
        last.sendto(b"", server.getsockname())
    thread.join()
    server.close()


def plan_for(upstream: int, address: tuple[str, int] = ("127.0.0.1", 0), workers: int = 2) -> EnginePlan:
    plan = plans.quiet(upstream, dataclasses.replace(plans.listener(*address), tcp_idle_timeout_ms=1500))
    return dataclasses.replace(plan, workers=workers)


def started(plan: EnginePlan, **how: object) -> _engine.Engine:
    engine = _engine.Engine(plan, **how)  # type: ignore[arg-type]  # the rows of the tests
    engine.start()
    return engine


def close_all(sockets: Sequence[tuple[str, int, str, int]]) -> None:
    for *_, descriptor in sockets:
        os.close(descriptor)


def pass_cache(old: _engine.Engine, new: _engine.Engine) -> tuple[int, int]:
    """Let the old engine's cache run through a pipe into the new one."""
    out, into = os.pipe()
    exporter = threading.Thread(target=old.export_cache, args=(into, 5000))
    exporter.start()
    try:
        return new.import_cache(out, 5000)
    finally:
        exporter.join()
        os.close(out)
        os.close(into)


@dataclass
class Loaded:
    """Queries over UDP on schedule from many ports, over TCP one connection after the other and on one kept open."""

    address: tuple[str, int]
    count: int
    outcome: Outcome | None = None
    seen: int = 0
    tcp_asked: int = 0
    tcp_lost: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def note(self, wire: bytes) -> bool:
        with self.changed:
            self.seen += 1
            self.changed.notify_all()
        return wire[3] & 15 == 0 and wire[7] == 1

    def wait_for(self, seen: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.seen >= seen, 20), f"{self.seen} of {seen} answers"

    def run_udp(self) -> None:
        questions = [(name, "A") for name in NAMES]
        load = Load(
            address=self.address, questions=questions, rate_per_s=RATE_PER_S, seconds=self.count / RATE_PER_S, grace_s=5
        )
        self.outcome = apply_load(load, self.note)

    def run_tcp(self, is_over: Callable[[], bool]) -> None:
        while not is_over():
            self.tcp_asked += 1
            try:
                with socket.create_connection(self.address, timeout=5) as stream:
                    assert ask_stream(stream, NAMES[self.tcp_asked % len(NAMES)])
                    # Leave no thousand ports in TIME_WAIT for other tests to stumble over.
                    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except (OSError, AssertionError) as error:
                self.tcp_lost.append(repr(error))
            self.changed.acquire()
            self.changed.wait(0.02)
            self.changed.release()


def ask_stream(stream: socket.socket, name: str) -> bytes:
    query = dns.message.make_query(name, "A").to_wire()
    stream.sendall(struct.pack("!H", len(query)) + query)
    stream.settimeout(5)
    reply = b""
    while len(reply) < 2 or len(reply) < 2 + struct.unpack_from("!H", reply)[0]:
        piece = stream.recv(4096)
        if not piece:
            return b""
        reply += piece
    return reply[2:]


@contextmanager
def loaded(address: tuple[str, int], count: int, *, has_tcp: bool) -> Iterator[Loaded]:
    """Keep asking while the body runs, and until all is asked."""
    load = Loaded(address=address, count=count)
    udp = threading.Thread(target=load.run_udp)
    tcp = threading.Thread(target=load.run_tcp, args=(lambda: not udp.is_alive(),))
    udp.start()
    if has_tcp:
        tcp.start()
    yield load
    udp.join()
    if has_tcp:
        tcp.join()


def warm(engine: _engine.Engine) -> tuple[str, int]:
    (address,) = engine.addresses()
    load = Load(address=address, questions=[(name, "A") for name in NAMES], rate_per_s=1000, seconds=0.3, ports=8)
    assert apply_load(load).lost == 0
    return address


def tell(what: str, load: Loaded, upstream: Upstream, changes: int) -> None:
    """Print the figures, then hold them against what is promised."""
    outcome = load.outcome
    assert outcome is not None
    print(  # noqa: T201 - the figures are what this test is for
        f"\n{what}: {changes} changes, {outcome.sent} queries, {outcome.lost} lost, {outcome.wrong} wrong, "
        f"p99.9 {outcome.latency.quantile_us(0.999) / 1000:.1f} ms, worst {outcome.latency.highest_us / 1000:.1f} ms; "
        f"tcp {load.tcp_asked} asked, {len(load.tcp_lost)} lost; upstream asked {upstream.asked - len(NAMES)} times"
    )
    assert (outcome.lost, outcome.wrong) == (0, 0)


@pytest.mark.parametrize(
    ("count", "workers"),
    [
        pytest.param(4000, [2, 2, 1, 3], id="four"),
        pytest.param(
            24_000, [2, 2, 2, 3, 1, 2, 4, 1, 1, 2], id="ten", marks=[pytest.mark.slow, pytest.mark.timeout(60)]
        ),
    ],
)
def test_hand_overs_in_a_row_lose_no_query_and_no_answer_that_was_known(
    counted: Upstream, count: int, workers: list[int]
) -> None:
    engine = started(plan_for(counted.port))
    address = warm(engine)
    counted.asked = len(NAMES)  # on a busy machine an upstream is asked twice; what counts comes now
    parting: list[threading.Thread] = []
    with loaded(address, count, has_tcp=True) as load, suppress(EngineStopped):
        for number, new_workers in enumerate(workers):
            load.wait_for((number + 1) * count // (len(workers) + 1))
            sockets = engine.sockets()
            new = _engine.Engine(plan_for(counted.port, address, new_workers), sockets=sockets)
            close_all(sockets)
            assert pass_cache(engine, new) == (len(NAMES), 0)
            new.start()
            engine.release_sockets()
            parting.append(threading.Thread(target=engine.stop, args=(3000,), kwargs={"handed_over": True}))
            parting[-1].start()
            engine = new
    for thread in parting:
        thread.join()
    tell("hand-over", load, counted, len(workers))
    assert load.tcp_lost == []
    assert counted.asked == len(NAMES)
    engine.stop(1000)


@pytest.mark.parametrize(
    ("count", "changes"),
    [
        pytest.param(3000, 3, id="three"),
        pytest.param(24_000, 10, id="ten", marks=[pytest.mark.slow, pytest.mark.timeout(60)]),
    ],
)
def test_a_surge_without_hand_over_loses_no_datagram(counted: Upstream, count: int, changes: int) -> None:
    engine = started(plan_for(counted.port))
    address = warm(engine)
    counted.asked = len(NAMES)
    with loaded(address, count, has_tcp=True) as load:  # TCP is told, not promised: a listener's queue dies with it
        for number in range(changes):
            load.wait_for((number + 1) * count // (changes + 1))
            new = _engine.Engine(plan_for(counted.port, address), is_sharing=True)
            pass_cache(engine, new)
            new.start()
            engine.stop(3000)
            engine = new
    tell("surge", load, counted, changes)
    assert counted.asked == len(NAMES)
    engine.stop(1000)


def test_a_stopping_engine_leaves_new_datagrams_to_those_who_share_its_port(counted: Upstream) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as slow,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker,
    ):
        slow.bind(("127.0.0.1", 0))
        slow.settimeout(5)
        asker.settimeout(5)
        old = started(plan_for(slow.getsockname()[1]))
        (address,) = old.addresses()
        asker.sendto(dns.message.make_query("slow.test.", "A").to_wire(), address)
        query, worker = slow.recvfrom(4096)
        new = started(plan_for(counted.port, address), is_sharing=True)
        turns = old.pulse()
        parting = threading.Thread(target=old.stop, args=(10_000,))
        parting.start()
        until = time.monotonic() + 5
        while any(now < then + 2 for now, then in zip(old.pulse(), turns, strict=True)):
            assert time.monotonic() < until
        warm(new)
        assert requests(new) == len(NAMES)
        slow.sendto(answer(query), worker)
        assert dns.message.from_wire(asker.recv(4096)).answer
        parting.join()
        assert requests(old) == 1
        new.stop(1000)


@pytest.mark.parametrize("workers", [1, 3])
def test_what_came_before_stop_is_answered_after_it(counted: Upstream, workers: int) -> None:
    for _ in range(5):
        engine = started(plan_for(counted.port, workers=workers))
        (address,) = engine.addresses()
        askers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(200)]
        streams = [socket.create_connection(address) for _ in range(9)]
        query = dns.message.make_query("late.test.", "A").to_wire()
        for asker in askers:
            asker.settimeout(5)
            asker.sendto(query, address)
        for stream in streams:
            stream.settimeout(5)
            stream.sendall(struct.pack("!H", len(query)) + query)
        engine.stop(3000)
        assert all(asker.recv(4096)[:2] == query[:2] for asker in askers)
        assert all(stream.recv(4096)[2:4] == query[:2] for stream in streams)
        for one in [*askers, *streams]:
            one.close()


def test_stop_waits_for_the_rest_of_a_query_that_has_begun_to_come(counted: Upstream) -> None:
    engine = started(plan_for(counted.port))
    (address,) = engine.addresses()
    query = dns.message.make_query("half.test.", "A").to_wire()
    with socket.create_connection(address) as stream:
        assert ask_stream(stream, "whole.test.")
        stream.sendall(struct.pack("!H", len(query)) + query[:9])
        parting = threading.Thread(target=engine.stop, args=(5000,))
        parting.start()
        parting.join(0.1)
        assert parting.is_alive()
        stream.sendall(query[9:])
        assert stream.recv(4096)[2:4] == query[:2]
        assert stream.recv(1) == b""
    parting.join()


def test_a_connection_outlives_the_hand_over_until_it_is_idle(counted: Upstream) -> None:
    old = started(plan_for(counted.port))
    address = warm(old)
    with socket.create_connection(address) as stream:
        assert ask_stream(stream, NAMES[0])
        sockets = old.sockets()
        new = started(plan_for(counted.port, address), sockets=sockets)
        close_all(sockets)
        begin = time.monotonic()
        parting = threading.Thread(target=old.stop, args=(10_000,), kwargs={"handed_over": True})
        parting.start()
        while old.next_event(10) is not None:
            pass
        for name in NAMES[:20]:
            assert ask_stream(stream, name)
        assert stream.recv(1) == b""
        parting.join()
        assert 1.4 < time.monotonic() - begin < 5
    with socket.create_connection(address) as stream:
        assert ask_stream(stream, NAMES[0])
    new.stop(1000)


def test_a_replaced_engine_answers_what_it_has_taken(counted: Upstream) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as slow:
        slow.bind(("127.0.0.1", 0))
        slow.settimeout(5)
        old = started(plan_for(slow.getsockname()[1]))
        (address,) = old.addresses()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.settimeout(5)
            asker.connect(address)
            asker.send(dns.message.make_query("taken.test.", "A").to_wire())
            query, worker = slow.recvfrom(4096)
            sockets = old.sockets()
            new = started(plan_for(counted.port, address), sockets=sockets)
            close_all(sockets)
            old.release_sockets()
            parting = threading.Thread(target=old.stop, args=(5000,), kwargs={"handed_over": True})
            parting.start()
            slow.sendto(answer(query), worker)
            assert dns.message.from_wire(asker.recv(4096)).answer
            parting.join()
            asker.send(dns.message.make_query("next.test.", "A").to_wire())
            assert dns.message.from_wire(asker.recv(4096)).answer
        assert counted.asked == 1
        new.stop(1000)


def requests(engine: _engine.Engine) -> float:
    """Count the queries that an engine has taken."""
    family = [name for name, *_ in _engine.CATALOGUE].index("coredns_dns_requests_total")
    return sum(value for row, _, value in engine.snapshot() if row == family and isinstance(value, float))


def test_a_released_engine_takes_no_query_any_more(counted: Upstream) -> None:
    old = started(plan_for(counted.port))
    address = warm(old)
    sockets = old.sockets()
    new = started(plan_for(counted.port, address), sockets=sockets)
    close_all(sockets)
    old.release_sockets()
    before = requests(old)
    assert before == len(NAMES)
    load = Load(address=address, questions=[(name, "A") for name in NAMES], rate_per_s=2000, seconds=0.2, ports=32)
    outcome = apply_load(load)
    with socket.create_connection(address) as stream:
        assert ask_stream(stream, NAMES[0])
    assert (outcome.lost, requests(old), requests(new)) == (0, before, outcome.sent + 1)
    old.stop(1000, handed_over=True)
    warm(new)
    new.stop(1000)


def test_who_was_lent_sockets_still_hears_when_the_lender_just_stops(counted: Upstream) -> None:
    """The lender was never told that its sockets are served, and stops as if it were alone."""
    old = started(plan_for(counted.port))
    address = warm(old)
    sockets = old.sockets()
    new = started(plan_for(counted.port, address), sockets=sockets)
    close_all(sockets)
    old.stop(1000)
    warm(new)
    assert requests(new) >= len(NAMES)
    new.stop(1000)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_lender_still_hears_when_the_borrower_gives_up(counted: Upstream, workers: int) -> None:
    """With fewer workers, too: it must close nothing that is not its own yet."""
    old = started(plan_for(counted.port))
    address = warm(old)
    sockets = old.sockets()
    new = started(plan_for(counted.port, address, workers), sockets=sockets)
    close_all(sockets)
    new.stop(1000, handed_over=True)
    warm(old)
    sockets = old.sockets()
    for *_, descriptor in sockets:
        with socket.socket(fileno=os.dup(descriptor)) as lent, pytest.raises(OSError, match="not connected"):
            lent.getpeername()  # a connected one hears its peer alone
    close_all(sockets)
    old.stop(1000)


def test_who_shares_a_port_has_to_say_so(counted: Upstream) -> None:
    first = started(plan_for(counted.port))
    (address,) = first.addresses()
    with pytest.raises(BindError):
        _engine.Engine(plan_for(counted.port, address))
    second = _engine.Engine(plan_for(counted.port, address), is_sharing=True)
    second.stop(0)
    first.stop(1000)


def test_a_socket_that_is_not_what_it_claims_is_left_alone_and_bound_anew(counted: Upstream) -> None:
    def free(kind: socket.SocketKind) -> socket.socket:
        opened = socket.socket(socket.AF_INET, kind)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        opened.bind(("127.0.0.1", 0))
        return opened

    finder = _engine.Engine(plan_for(counted.port))
    (address,) = finder.addresses()
    finder.stop(0)
    with free(socket.SOCK_DGRAM) as other, free(socket.SOCK_STREAM) as silent:
        read, write = os.pipe()
        rows = [
            (*address, "udp", other.fileno()),
            (*other.getsockname(), "udp", other.fileno()),
            (*silent.getsockname(), "tcp", silent.fileno()),
            (*address, "udp", read),
            (*address, "sctp", write),
            ("nonsense", 53, "udp", other.fileno()),
            (*address, "tcp", 1_000_000),
        ]
        engine = started(plan_for(counted.port, address), sockets=rows)
        warm(engine)
        assert len(engine.sockets()) == 4
        engine.stop(1000)
        assert other.getsockname()[1]
        os.close(read)
        os.close(write)


def head() -> bytes:
    return b"NODENS\0C" + struct.pack("!HQ", 1, time.monotonic_ns())


END = struct.pack("!IBQ", 9, 3, 0)


@pytest.mark.parametrize(
    ("stream", "says"),
    [
        pytest.param(lambda: b"", "cache: refused after 0 entries: cut short", id="nothing"),
        pytest.param(lambda: b"GET / HTTP/1.0\r\n\r\n", "not a cache of nodens", id="a stranger"),
        pytest.param(lambda: b"NODENS\0C" + struct.pack("!HQ", 2, 0), "of format 2; expected 1", id="another version"),
        pytest.param(lambda: b"NODENS\0C" + struct.pack("!HQ", 1, 1 << 63), "by another clock", id="another clock"),
        pytest.param(lambda: head() + b"\0\0\0\1\x09", "malformed", id="an unknown frame"),
        pytest.param(lambda: head() + struct.pack("!IBQ", 9, 3, 7), "cut short", id="a wrong count"),
        pytest.param(lambda: head() + struct.pack("!IB", 30, 2) + bytes(29) + END, "cut short", id="one uncounted"),
        pytest.param(lambda: head() + END, None, id="an empty cache is fine"),
    ],
)
def test_a_cache_that_is_not_ours_is_refused_and_the_engine_runs(
    counted: Upstream, stream: Callable[[], bytes], says: str | None
) -> None:
    engine = _engine.Engine(plan_for(counted.port))
    for _ in ("bound", "running"):
        out, into = os.pipe()
        os.write(into, stream())
        os.close(into)
        if says is None:
            assert engine.import_cache(out, 1000) == (0, 0)
        else:
            with pytest.raises(EngineError, match=says):
                engine.import_cache(out, 1000)
        os.close(out)
        engine.start()
    warm(engine)
    engine.stop(1000)
    with pytest.raises(EngineStopped):
        engine.import_cache(0, 1000)


def test_a_cache_waits_for_nobody_longer_than_its_deadline(counted: Upstream) -> None:
    engine = started(plan_for(counted.port))
    warm(engine)
    out, into = os.pipe()
    with pytest.raises(EngineError, match="cache: cannot be read after 0 entries: the deadline has passed"):
        engine.import_cache(out, 50)
    os.set_blocking(into, False)
    with suppress(BlockingIOError):
        while os.write(into, bytes(4096)):
            pass
    os.set_blocking(into, True)
    with pytest.raises(EngineError, match="cache: cannot be written: the deadline has passed"):
        engine.export_cache(into, 50)
    os.close(out)
    with pytest.raises(EngineError, match="cache: cannot be written: broken pipe"):
        engine.export_cache(into, 1000)
    os.close(into)
    for descriptor in (-1, 1_000_000):
        with pytest.raises(EngineError, match="bad file descriptor"):
            engine.export_cache(descriptor, 50)
    engine.stop(1000)
    for asked in (engine.sockets, engine.release_sockets, lambda: engine.export_cache(1, 50)):
        with pytest.raises(EngineStopped):
            asked()


def test_the_typed_door_hands_over_and_takes_over(counted: Upstream) -> None:
    with ExitStack() as lives:
        parting = lives.enter_context(ExitStack())
        old = parting.enter_context(engine_room.running(plan_for(counted.port), 2000))
        (address,) = old.addresses()
        assert ask_once(address, "door.test.")
        sockets = old.sockets()
        bound = engine_room.bind(plan_for(counted.port, address), sockets=sockets)
        close_all(sockets)
        out, into = os.pipe()
        assert old.export_cache(into, 1000) == 1
        assert bound.import_cache(out, 1000) == engine_room.Imported(taken=1, refused=0)
        os.close(out)
        os.close(into)
        new = lives.enter_context(engine_room.running(plan_for(counted.port, address), 2000, bound=bound))
        old.hand_over()
        parting.close()
        assert ask_once(address, "door.test.")
        assert (new.addresses(), counted.asked) == ((address,), 1)
    with pytest.raises(EngineStopped):
        new.sockets()
    engine_room.bind(plan_for(counted.port, address)).close()


def ask_once(address: tuple[str, int], name: str) -> bool:
    load = Load(address=address, questions=[(name, "A")], rate_per_s=1000, seconds=0.001, ports=1)
    return apply_load(load).answered == 1


def test_a_cache_passes_through_a_unix_socket_too(counted: Upstream) -> None:
    old, new = started(plan_for(counted.port)), started(plan_for(counted.port))
    warm(old)
    ours, theirs = socket.socketpair()
    exporter = threading.Thread(target=old.export_cache, args=(ours.fileno(), 5000))
    exporter.start()
    assert new.import_cache(theirs.fileno(), 5000) == (len(NAMES), 0)
    exporter.join()
    ours.close()
    theirs.close()
    before = counted.asked
    warm(new)
    assert counted.asked == before
    old.stop(1000)
    new.stop(1000)
