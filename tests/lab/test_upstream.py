"""The scripted upstream shows every fault it promises; a plain client sees it."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

import pytest

from nodens.errors import LabError
from nodens.lab import faults
from nodens.lab.client import Client, ask
from nodens.lab.message import Edns, Message, compose, parse, query
from nodens.lab.script import Close, Reset, Script, Send
from nodens.lab.upstream import Upstream
from nodens.lab.zone import Zone

if TYPE_CHECKING:
    from collections.abc import Callable

    from nodens.lab.faults import Spoiler

ZONE = Zone(
    "shop.",
    """
    shop. 30 SOA ns.shop. host.shop. 1 7200 1800 86400 5
    web.shop. 30 A 10.0.0.1
    *.wild.shop. 30 A 10.0.0.2
    alias.shop. 30 CNAME web.shop.
    away.shop. 30 CNAME www.example.
    deep.er.shop. 30 A 10.0.0.3
    """,
)
HONEST = faults.answering(ZONE)
TRANSPORTS = pytest.mark.parametrize("transport", ["udp", "tcp"])


@TRANSPORTS
@pytest.mark.parametrize(
    ("asked", "rcode", "answers", "has_soa"),
    [
        pytest.param("web.shop A", "NOERROR", ["web.shop. 30 A 10.0.0.1"], False, id="address"),
        pytest.param("WEB.shop A", "NOERROR", ["WEB.shop. 30 A 10.0.0.1"], False, id="spelling of the question"),
        pytest.param("web.shop AAAA", "NOERROR", [], True, id="NODATA"),
        pytest.param("er.shop A", "NOERROR", [], True, id="empty non-terminal"),
        pytest.param("no.shop A", "NXDOMAIN", [], True, id="NXDOMAIN"),
        pytest.param("x.wild.shop A", "NOERROR", ["x.wild.shop. 30 A 10.0.0.2"], False, id="wildcard"),
        pytest.param(
            "alias.shop A",
            "NOERROR",
            ["alias.shop. 30 CNAME web.shop.", "web.shop. 30 A 10.0.0.1"],
            False,
            id="alias",
        ),
        pytest.param("away.shop A", "NOERROR", ["away.shop. 30 CNAME www.example."], False, id="alias that leaves"),
        pytest.param("web.elsewhere A", "REFUSED", [], False, id="not its zone"),
    ],
)
def test_a_zone_answers_as_an_authority(
    transport: str,
    asked: str,
    rcode: str,
    answers: list[str],
    has_soa: bool,  # noqa: FBT001 - a table's row
) -> None:
    with Upstream(HONEST) as upstream:
        reply = ask(upstream.address, query(*asked.split()), transport)
    assert (reply.rcode, [str(answer) for answer in reply.answers], bool(reply.authority)) == (rcode, answers, has_soa)
    assert ("aa" in reply.flags) == (rcode != "REFUSED")


@TRANSPORTS
def test_it_remembers_what_it_was_asked(transport: str) -> None:
    with Upstream(HONEST) as upstream, Client(upstream.address, transport) as client:
        client.ask(query("web.shop", edns=Edns(is_do=True)))
        heard = upstream.next_heard()
        assert heard.source == ("127.0.0.1", client.port)
        assert (heard.transport, heard.connection) == (transport, 0 if transport == "udp" else 1)
        assert heard.message.question.name == "web.shop."
        assert heard.message.edns == Edns(is_do=True)
        assert upstream.log == [heard]
        assert upstream.pending() == 0


@TRANSPORTS
@pytest.mark.parametrize("script", [faults.silent, None], ids=["silent script", "no script"])
def test_silence_is_silence(transport: str, script: Script | None) -> None:
    with Upstream(script) as upstream, Client(upstream.address, transport) as client:
        client.send(query("web.shop"))
        heard = upstream.next_heard()
        assert client.poll() is None
        upstream.act(heard, Send(wire=b"now!"))
        assert client.next_reply().wire == b"now!"


@pytest.mark.parametrize(
    "script",
    [faults.closing, faults.resetting, faults.closing_after(1, HONEST)],
    ids=["close", "reset", "answer, close"],
)
def test_a_connection_ends_as_scripted(script: Script) -> None:
    with Upstream(script) as upstream, Client(upstream.address, "tcp") as client:
        client.send(query("web.shop"))
        assert client.is_closed()


@pytest.mark.parametrize(("act", "error"), [(Close(), None), (Reset(), errno.ECONNRESET)], ids=["close", "reset"])
def test_close_and_reset_differ_on_the_wire(act: Close | Reset, error: int | None) -> None:
    with Upstream(lambda _heard: [act]) as upstream, socket.create_connection(upstream.address, timeout=5) as stream:
        stream.sendall(b"\0\4ping")
        seen = None
        try:
            assert stream.recv(10) == b""
        except OSError as failure:
            seen = failure.errno
        assert seen == error


def test_a_refusing_upstream_has_closed_ports_and_opens_the_same_again() -> None:
    with Upstream(HONEST) as upstream:
        address = upstream.address
        with Client(address, "tcp") as client:
            upstream.refuse()
            assert client.is_closed()
        with pytest.raises(LabError, match="refused"):
            ask(address, query("web.shop"), "udp")
        with pytest.raises(LabError, match="refused"):
            ask(address, query("web.shop"), "tcp")
        upstream.listen_again()
        assert upstream.address == address
        assert ask(address, query("web.shop"), "tcp").rcode == "NOERROR"
        assert ask(address, query("web.shop"), "udp").rcode == "NOERROR"


def test_a_black_hole_answers_no_syn_until_it_listens_again() -> None:
    with Upstream(HONEST) as upstream:
        upstream.black_hole()
        with socket.socket() as stream:
            stream.settimeout(0.3)
            with pytest.raises(TimeoutError):
                stream.connect(upstream.address)
        upstream.listen_again()
        assert ask(upstream.address, query("web.shop"), "tcp").rcode == "NOERROR"


def test_dropped_queries_are_answered_after_their_number() -> None:
    with Upstream(faults.dropping(2, HONEST)) as upstream, Client(upstream.address) as client:
        asked = [client.send(query("web.shop")) for _ in range(3)]
        assert client.next_reply().message.id == asked[2].id


def test_a_delay_holds_up_one_answer_and_no_other() -> None:
    script = faults.in_turn(faults.delayed(HONEST, 0.05), HONEST)
    with Upstream(script) as upstream, Client(upstream.address, "tcp") as client:
        slow, fast = client.send_all(query("web.shop"), query("web.shop"))
        assert [client.next_reply().message.id for _ in range(2)] == [fast.id, slow.id]


@TRANSPORTS
def test_answers_come_out_of_order_and_twice(transport: str) -> None:
    script = faults.backwards(faults.twice(HONEST), 3)
    with Upstream(script) as upstream, Client(upstream.address, transport) as client:
        one, two, three = client.send_all(*[query("web.shop")] * 3)
        got = [client.next_reply().message.id for _ in range(6)]
    assert got == [three.id, three.id, two.id, two.id, one.id, one.id]


def test_a_dripping_answer_arrives_whole() -> None:
    with Upstream(faults.dripping(HONEST, piece_bytes=3, pause_s=0.002)) as upstream:
        assert len(ask(upstream.address, query("web.shop"), "tcp").answers) == 1


def test_an_answer_over_the_clients_size_is_truncated_over_udp_and_whole_over_tcp() -> None:
    big = Zone("big.", "big. 1 SOA . . 1 1 1 1 1\n" + "\n".join(f"many.big. 30 A 10.0.1.{i}" for i in range(100)))
    with Upstream(faults.answering(big)) as upstream:
        short = ask(upstream.address, query("many.big"))
        whole = ask(upstream.address, query("many.big"), "tcp")
        wide = ask(upstream.address, query("many.big", edns=Edns(size=4096)))
    assert ("tc" in short.flags, short.answers) == (True, ())
    assert [len(reply.answers) for reply in (whole, wide)] == [100, 100]


@pytest.mark.parametrize(
    ("spoiler", "claim"),
    [
        pytest.param(faults.wrong_id, lambda sent, got: got.id != sent.id, id="wrong ID"),
        pytest.param(faults.wrong_name, lambda sent, got: got.question.name != sent.question.name, id="wrong name"),
        pytest.param(faults.wrong_type, lambda _sent, got: got.question.qtype == "MX", id="wrong type"),
        pytest.param(faults.wrong_class, lambda _sent, got: got.question.qclass == "CH", id="wrong class"),
        pytest.param(
            faults.header_only, lambda _sent, got: got.questions == () and got.rcode == "SERVFAIL", id="header only"
        ),
        pytest.param(faults.truncated, lambda _sent, got: "tc" in got.flags, id="truncated"),
        pytest.param(faults.not_a_response, lambda _sent, got: "qr" not in got.flags, id="not a response"),
        pytest.param(faults.uncompressed, lambda _sent, got: got.answers, id="uncompressed"),
    ],
)
def test_a_spoiled_answer_reaches_the_client_spoiled(
    spoiler: Spoiler, claim: Callable[[Message, Message], object]
) -> None:
    with Upstream(faults.spoiled(HONEST, spoiler)) as upstream, Client(upstream.address) as client:
        sent = client.send(query("web.shop"))
        assert claim(sent, client.next_reply().message)


def test_a_failure_carries_its_extended_error() -> None:
    with Upstream(faults.failing("SERVFAIL", ede=9, text="no key")) as upstream:
        reply = ask(upstream.address, query("web.shop", edns=Edns()))
    assert reply.rcode == "SERVFAIL"
    assert reply.edns is not None
    assert reply.edns.errors == ((9, "no key"),)


def test_the_transport_chooses_the_behaviour() -> None:
    script = faults.by_transport(udp=faults.spoiled(HONEST, faults.truncated), tcp=HONEST)
    with Upstream(script) as upstream:
        assert "tc" in ask(upstream.address, query("web.shop")).flags
        assert ask(upstream.address, query("web.shop"), "tcp").answers


def test_what_is_no_query_gets_formerr_from_a_zone() -> None:
    with Upstream(HONEST) as upstream, Client(upstream.address) as client:
        client.send_wire(b"\x12\x34" + b"\0" * 10)
        assert parse(client.next_reply().wire).rcode == "FORMERR"


def test_a_taken_port_is_named() -> None:
    with (
        Upstream() as first,
        pytest.raises(LabError, match=f"127.0.0.1:{first.address[1]}: cannot bind"),
        Upstream(port=first.address[1]),
    ):
        pass


def test_nothing_heard_is_an_error_with_the_address() -> None:
    with Upstream() as upstream, pytest.raises(LabError, match="nothing was asked within"):
        upstream.next_heard(timeout_s=0.01)


def test_an_upstream_speaks_v6_too() -> None:
    with Upstream(HONEST, host="::1") as upstream:
        assert ask(upstream.address, query("web.shop"), "tcp").answers


def test_raw_pieces_go_out_as_they_are() -> None:
    wire = compose(query("web.shop", id=5).response())
    with Upstream() as upstream, Client(upstream.address, "tcp") as client:
        client.send(query("web.shop"))
        heard = upstream.next_heard()
        upstream.act(heard, Send(wire=b"\0", is_framed=False), Send(wire=bytes([len(wire)]) + wire, is_framed=False))
        assert client.next_reply().wire == wire
