"""What only sockets can show: ports and IDs, kept-open connections, bytes that come in pieces. On the real program."""

from __future__ import annotations

import itertools
import socket
import struct
from collections import Counter
from collections.abc import Callable, Iterable

import pytest

from nodens.lab import faults
from nodens.lab.client import Client, ask
from nodens.lab.message import compose, query, read_record
from nodens.lab.script import Act, Heard, Script
from nodens.lab.theatre import own_host, program_serving
from nodens.lab.upstream import Upstream

PORT = 5290
HONEST = faults.answering_with(read_record("any.example 60 A 10.0.0.1"))


def served(address: tuple[str, int], *options: str) -> str:
    return (
        f".:{PORT} {{\n bind {own_host()}\n cache 60\n forward . {address[0]}:{address[1]} {{\n"
        + "\n".join(options)
        + "\n}\n}\n"
    )


def test_each_udp_query_has_a_port_and_an_id_of_its_own() -> None:
    with Upstream(HONEST) as upstream, program_serving(served(upstream.address)), Client((own_host(), PORT)) as client:
        for number in range(60):
            client.ask(query(f"n{number}.example"))
        ports = {heard.source[1] for heard in upstream.log}
        ids = [heard.message.id for heard in upstream.log]
    assert len(ports) >= 58
    assert len(set(ids)) >= 58
    steps = Counter((after - before) & 0xFFFF for before, after in itertools.pairwise(ids))
    assert steps.most_common(1)[0][1] <= 3


def test_a_few_connections_carry_many_queries() -> None:
    with (
        Upstream(HONEST) as upstream,
        program_serving(served(upstream.address, "force_tcp")),
        Client((own_host(), PORT)) as client,
    ):
        sent = client.send_all(*[query(f"n{number}.example") for number in range(200)])
        answered = {client.next_reply().message.id for _ in sent}
        assert answered == {message.id for message in sent}
        assert 1 <= upstream.connections <= 32


def backwards(heard: Heard) -> Iterable[Act]:
    """Answer the first of twenty last; `faults.backwards` waits for a full group, which a retry would upset."""
    return faults.delayed(HONEST, max(0.0, 0.2 - 0.01 * heard.number))(heard)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(faults.dripping(HONEST, piece_bytes=1), id="a byte at a time"),
        pytest.param(faults.dripping(HONEST, piece_bytes=20, pause_s=0.005), id="in pieces, with pauses"),
        pytest.param(backwards, id="in the opposite order"),
        pytest.param(faults.closing_after(2, HONEST), id="closing after two answers"),
        pytest.param(faults.delayed(HONEST, 0.1), id="late"),
    ],
)
def test_every_query_is_answered_over_tcp_though_upstream_behaves_oddly(script: Script) -> None:
    with (
        Upstream(script) as upstream,
        program_serving(served(upstream.address, "force_tcp", "max_fails 0")),
        Client((own_host(), PORT)) as client,
    ):
        sent = client.send_all(*[query(f"n{number}.example") for number in range(20)])
        replies = [client.next_reply().message for _ in sent]
    assert {reply.rcode for reply in replies} == {"NOERROR"}
    assert {reply.id for reply in replies} == {message.id for message in sent}


def in_two_pieces(wire: bytes) -> list[bytes]:
    framed = struct.pack("!H", len(wire)) + wire
    return [framed[:1], framed[1:15], framed[15:]]


def three_at_once(wire: bytes) -> list[bytes]:
    return [(struct.pack("!H", len(wire)) + wire) * 3]


@pytest.mark.parametrize(("cut", "count"), [(in_two_pieces, 1), (three_at_once, 3)], ids=["in pieces", "three at once"])
def test_a_clients_stream_may_be_cut_anywhere(cut: Callable[[bytes], list[bytes]], count: int) -> None:
    with (
        Upstream(HONEST) as upstream,
        program_serving(served(upstream.address)),
        Client((own_host(), PORT), "tcp") as client,
    ):
        for piece in cut(compose(query("web.example", id=7))):
            client.send_stream(piece)
        assert [client.next_reply().message.rcode for _ in range(count)] == ["NOERROR"] * count


def test_a_reply_comes_from_the_address_that_was_asked() -> None:
    with Upstream(HONEST) as upstream:
        text = served(upstream.address).replace(f" bind {own_host()}\n", " bind 127.0.0.1 127.0.0.7\n")
        with program_serving(text), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            asked.settimeout(5)
            asked.sendto(compose(query("web.example", id=7)), ("127.0.0.7", PORT))
            assert asked.recvfrom(512)[1] == ("127.0.0.7", PORT)


def test_a_large_answer_is_whole_over_tcp() -> None:
    many = faults.answering_with(*[read_record(f'any.example 60 TXT "{"x" * 200}{number}"') for number in range(250)])
    with Upstream(many) as upstream, program_serving(served(upstream.address, "force_tcp")):
        assert len(ask((own_host(), PORT), query("web.example", "TXT"), "tcp").answers) == 250
        assert "tc" in ask((own_host(), PORT), query("web.example", "TXT"), "udp").flags
