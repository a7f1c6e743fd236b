"""The side services over real sockets on loopback."""

from __future__ import annotations

import gzip
import os
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from nodens.errors import EngineStopped
from nodens.observe import Log, Numbers, Sides, Status
from nodens.observe import server as server_file
from nodens.observe import sides as sides_file
from nodens.plan import HttpEndpoint, ObservePlan

ANY = HttpEndpoint(host="127.0.0.1", port=0)


def observe_plan(**lists: tuple[HttpEndpoint, ...]) -> ObservePlan:
    empty: dict[str, tuple[HttpEndpoint, ...]] = {"metrics": (), "health": (), "ready": ()}
    return ObservePlan(**(empty | lists), lameduck_ms=0, plugins=(), is_debug=False)


def ask(port: int, request: str) -> tuple[str, bytes]:
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(request.encode())
        raw = b""
        while piece := connection.recv(65536):
            raw += piece
    head, _, body = raw.partition(b"\r\n\r\n")
    return head.decode(), body


def get(port: int, path: str, headers: str = "") -> tuple[str, bytes]:
    return ask(port, f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n")


@pytest.fixture
def lines() -> Iterator[Callable[[], str]]:
    """Give what was logged so far."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    said = [""]

    def read() -> str:
        with suppress(BlockingIOError):
            said[0] += os.read(reading, 65536).decode()
        return said[0]

    read.writing = writing  # type: ignore[attr-defined]  # the pipe rides on the function
    yield read
    os.close(reading)
    os.close(writing)


@pytest.fixture
def sides(lines: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Sides]:
    """Side services whose heart beats fast."""
    monkeypatch.setattr(sides_file, "_POLL_S", 0.02)
    log = Log(lines.writing)  # type: ignore[attr-defined]  # the pipe rides on the function
    with Sides(Numbers(), log, lambda _host, port: f"pid 1, `holder of {port}`") as made:
        yield made


def until(holds: Callable[[], object], limit_s: float = 10.0) -> None:
    deadline = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        threading.Event().wait(0.01)


def test_metrics_are_given_in_the_text_format_and_other_paths_are_not_found(sides: Sides) -> None:
    sides.apply(observe_plan(metrics=(ANY,)))
    port = sides.ports()[ANY]
    head, body = get(port, "/metrics")
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert "Content-Type: text/plain; version=0.0.4; charset=utf-8; escaping=underscores" in head
    assert b"coredns_reload_failed_total 0\n" in body
    assert b"process_resident_memory_bytes" in body
    assert get(port, "/")[0].startswith("HTTP/1.1 404 ")
    assert get(port, "/health")[0].startswith("HTTP/1.1 404 ")


def test_gzip_is_given_to_those_who_ask(sides: Sides) -> None:
    sides.apply(observe_plan(metrics=(ANY,)))
    head, body = get(sides.ports()[ANY], "/metrics", "Accept-Encoding: gzip\r\n")
    assert "Content-Encoding: gzip" in head
    assert b"process_open_fds" in gzip.decompress(body)


def test_health_and_ready_tell_the_reason(sides: Sides) -> None:
    ready = HttpEndpoint(host="localhost", port=0)
    sides.apply(observe_plan(health=(ANY,), ready=(ready,)))
    health_port, ready_port = sides.ports()[ANY], sides.ports()[ready]
    assert get(ready_port, "/ready")[1] == b"starting"
    sides.status = Status()
    assert get(ready_port, "/ready") == (get(health_port, "/health")[0], b"OK")
    assert "Content-Type: text/plain; charset=utf-8" in get(health_port, "/health")[0]
    sides.status = Status(unwell=("worker 0 has not turned for 11 s",))
    assert get(health_port, "/health")[0].startswith("HTTP/1.1 503 ")


def test_a_name_of_both_families_is_served_over_ipv4(sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    both = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 0, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0)),
    ]
    monkeypatch.setattr(server_file.socket, "getaddrinfo", lambda *_, **__: both)
    named = HttpEndpoint(host="localhost", port=0)
    sides.apply(observe_plan(health=(named,)))
    with socket.socket() as connection:  # not create_connection, which asks for the name's addresses, too
        connection.settimeout(5)
        connection.connect(("127.0.0.1", sides.ports()[named]))


def test_one_address_may_serve_all_three(sides: Sides) -> None:
    sides.apply(observe_plan(metrics=(ANY,), health=(ANY,), ready=(ANY,)))
    port = sides.ports()[ANY]
    assert [get(port, path)[0][9:12] for path in ("/metrics", "/health", "/ready")] == ["200", "200", "503"]


def test_only_the_own_address_counts_its_scrapes(sides: Sides) -> None:
    own = HttpEndpoint(host="localhost", port=0)
    sides.apply(observe_plan(metrics=(ANY,)), own)
    get(sides.ports()[ANY], "/metrics")
    get(sides.ports()[own], "/metrics")
    text = get(sides.ports()[own], "/metrics")[1].decode()
    assert 'promhttp_metric_handler_requests_total{code="200"} 1\n' in text
    assert "promhttp_metric_handler_requests_in_flight 1\n" in text


class Broken:
    """A data plane whose numbers cannot be had."""

    catalogue = ()

    def snapshot(self) -> list[tuple[int, tuple[str, ...], float]]:
        raise RuntimeError("no numbers")

    def pulse(self) -> tuple[int, ...]:
        raise EngineStopped


def test_a_page_that_cannot_be_made_is_a_500_and_counted(sides: Sides) -> None:
    sides.apply(observe_plan(), ANY)
    sides.source = Broken()
    head, body = get(sides.ports()[ANY], "/metrics")
    assert head.startswith("HTTP/1.1 500 Internal Server Error\r\n")
    assert body == b"RuntimeError: no numbers\n"
    sides.source = None
    assert 'promhttp_metric_handler_requests_total{code="500"} 1\n' in sides.metrics_text()


@pytest.mark.parametrize(
    ("request_text", "answer"),
    [
        pytest.param("HEAD /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK", id="head"),
        pytest.param("POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK", id="any method"),
        pytest.param("GET /metrics?x=1 HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK", id="a query string"),
        pytest.param("GET\r\n\r\n", "HTTP/1.1 400 Bad Request", id="not a request"),
        pytest.param("\r\n\r\n", "HTTP/1.1 400 Bad Request", id="empty"),
        pytest.param("GET / HTTP/1.1\r\nA: " + "b" * 20_000 + "\r\n\r\n", "", id="without end"),
    ],
)
def test_odd_requests_are_answered_or_dropped(sides: Sides, request_text: str, answer: str) -> None:
    sides.apply(observe_plan(metrics=(ANY,)))
    try:
        head, _ = ask(sides.ports()[ANY], request_text)
    except ConnectionResetError:
        head = ""
    assert head.split("\r\n")[0] == answer


def test_a_taken_port_is_said_once_and_taken_when_it_is_free(sides: Sides, lines: Callable[[], str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        taken = HttpEndpoint(host="127.0.0.1", port=port)
        sides.apply(observe_plan(metrics=(taken,)))
        sides.apply(observe_plan(metrics=(taken,)))
        assert sides.ports() == {}
        assert f'nodens_http_listener_down{{address="127.0.0.1:{port}"}} 1\n' in sides.metrics_text()
        why = f"127.0.0.1:{port}/tcp: cannot listen: address already in use (pid 1, `holder of {port}`)"
        assert lines().count(f"[ERROR] plugin/prometheus: {why}\n") == 1
    until(lambda: taken in sides.ports())
    until(lambda: "listening now" in lines())
    assert get(port, "/metrics")[0].startswith("HTTP/1.1 200 ")


def test_a_reload_keeps_what_stays_and_closes_what_leaves(sides: Sides) -> None:
    other = HttpEndpoint(host="localhost", port=0)
    sides.apply(observe_plan(metrics=(ANY,), health=(other,)))
    before = sides.ports()
    sides.apply(observe_plan(metrics=(ANY,)))
    assert sides.ports() == {ANY: before[ANY]}
    with pytest.raises(ConnectionRefusedError):
        get(before[other], "/health")


def test_the_node_asks_its_own_health_and_counts_it(sides: Sides) -> None:
    sides.apply(observe_plan(health=(ANY,)))
    until(lambda: "coredns_health_request_duration_seconds_count 0" not in sides.metrics_text())
    assert "coredns_health_request_failures_total 0\n" in sides.metrics_text()


def test_idle_clients_do_not_keep_others_out_for_ever(sides: Sides) -> None:
    sides.apply(observe_plan(metrics=(ANY,)))
    port = sides.ports()[ANY]
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
    for connection in idle:
        connection.close()
    until(lambda: _is_served(port))


def _is_served(port: int) -> bool:
    try:
        return get(port, "/metrics")[0].startswith("HTTP/1.1 200 ")
    except OSError:
        return False


def dribble(port: int, source: str) -> socket.socket:
    """Begin a request and never end it."""
    connection = socket.create_connection(("127.0.0.1", port), 5, source_address=(source, 0))
    connection.sendall(b"GET /health HTTP/1.1\r\nX: ")
    return connection


def is_open(connection: socket.socket) -> bool:
    """Whether the other side still holds on."""
    connection.settimeout(0)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False


def test_a_full_house_of_slow_clients_shuts_nobody_else_out(sides: Sides) -> None:
    sides.apply(observe_plan(health=(ANY,)))
    port = sides.ports()[ANY]
    sides.status = Status()
    other = dribble(port, "127.0.0.9")
    slow = [dribble(port, "127.0.0.2") for _ in range(40)]
    try:
        for _ in range(20):
            assert get(port, "/health")[1] == b"OK"
        until(lambda: sum(is_open(connection) for connection in slow) <= 15)
        assert is_open(slow[-1])  # the oldest went first
        assert is_open(other)  # and only of those who held most
    finally:
        for connection in (other, *slow):
            connection.close()


def test_a_request_that_dribbles_in_has_one_deadline(sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_file, "_TIMEOUT_S", 0.3)
    sides.apply(observe_plan(health=(ANY,)))
    with dribble(sides.ports()[ANY], "127.0.0.2") as connection:
        started_s = time.monotonic()

        def is_over() -> bool:
            with suppress(OSError):
                connection.send(b"a")
            return not is_open(connection)

        until(is_over)
        assert time.monotonic() - started_s < 5


def test_no_descriptor_left_is_no_reason_to_spin(sides: Sides) -> None:
    sides.apply(observe_plan(metrics=(ANY,)))  # nobody polls: no descriptor comes free
    port = sides.ports()[ANY]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as client:
        resource.setrlimit(resource.RLIMIT_NOFILE, (client.fileno() + 1, hard))
        try:
            before_s = time.process_time()
            client.connect(("127.0.0.1", port))
            threading.Event().wait(0.5)  # it is the idleness that is measured
            spent_s = time.process_time() - before_s
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert spent_s < 0.05, spent_s
    assert get(port, "/metrics")[0].startswith("HTTP/1.1 200 ")


def test_a_poll_that_gets_no_ok_is_a_failure(sides: Sides, lines: Callable[[], str]) -> None:
    sides.status = Status(unwell=("worker 0 has not turned for 11 s",))
    sides.apply(observe_plan(health=(ANY,)))
    until(lambda: "coredns_health_request_failures_total 0\n" not in sides.metrics_text())
    until(lambda: "failed: the answer is `HTTP/1.1 503 Service Unavailable`\n" in lines())
