"""The lab's own composer against dnspython: what one writes, the other reads."""

from __future__ import annotations

import dns.edns
import dns.message
import dns.rrset
import pytest

from nodens.errors import LabError
from nodens.lab import faults
from nodens.lab.message import Edns, Message, compose, extended_error, parse, query, read_record
from nodens.lab.rdata import Reader, render_label, split_labels

RECORDS = [
    pytest.param("a.example. 30 A 10.0.0.1", id="address"),
    pytest.param("a.example. 30 AAAA 2001:db8::1", id="v6 address"),
    pytest.param("a.example. 30 CNAME b.a.example.", id="alias"),
    pytest.param("example. 30 NS ns.example.", id="server"),
    pytest.param("1.0.0.10.in-addr.arpa. 30 PTR a.example.", id="pointer"),
    pytest.param("example. 30 MX 10 mail.example.", id="mail"),
    pytest.param("_http._tcp.example. 30 SRV 0 100 80 web.example.", id="service"),
    pytest.param("example. 3600 SOA ns.example. host.example. 1 7200 1800 86400 30", id="authority"),
    pytest.param('example. 30 TXT "one word" "two"', id="strings"),
    pytest.param("example. 30 TYPE65400 \\# 3 abcdef", id="unknown type"),
    pytest.param('version.bind. 0 CH TXT "x"', id="another class"),
]


@pytest.mark.parametrize("line", RECORDS)
@pytest.mark.parametrize("compresses", [True, False], ids=["compressed", "in full"])
def test_dnspython_reads_what_we_compose(line: str, compresses: bool) -> None:  # noqa: FBT001 - a table's row
    record = read_record(line)
    ours = query("a.example.", id=7, edns=Edns(size=1400, is_do=True)).response(answers=(record,))
    theirs = dns.message.from_wire(compose(ours, compresses=compresses))
    expected = dns.rrset.from_text(record.name, record.ttl_s, record.rclass, record.rtype, record.text)
    assert [rrset.to_text() for rrset in theirs.answer] == [expected.to_text()]
    assert theirs.id == 7


@pytest.mark.parametrize("line", RECORDS)
def test_we_read_what_dnspython_composes(line: str) -> None:
    record = read_record(line)
    theirs = dns.message.make_response(dns.message.make_query("a.example.", "A", use_edns=0))
    theirs.answer.append(dns.rrset.from_text(record.name, record.ttl_s, record.rclass, record.rtype, record.text))
    assert [str(answer) for answer in parse(theirs.to_wire()).answers] == [line]


def test_flags_rcode_and_errors_cross_both_ways() -> None:
    message = Message(
        id=3,
        flags=frozenset({"qr", "aa", "tc", "rd", "ra", "ad", "cd"}),
        rcode="BADVERS",
        questions=query("x.y").questions,
        edns=Edns(options=(extended_error(22, "all silent"),)),
    )
    theirs = dns.message.from_wire(compose(message))
    assert theirs.extended_errors()[0].code == dns.edns.EDECode.NO_REACHABLE_AUTHORITY
    assert parse(theirs.to_wire()) == message
    assert message.edns is not None
    assert message.edns.errors == ((22, "all silent"),)


def test_a_repeated_name_is_a_pointer_only_when_compressed() -> None:
    message = query("long.name.example").response(answers=(read_record("long.name.example 1 A 10.0.0.1"),))
    assert len(compose(message)) + 17 == len(compose(message, compresses=False))


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\0" * 11, id="cut header"),
        pytest.param(b"\0\0\0\0\0\1\0\0\0\0\0\0", id="no question after its count"),
        pytest.param(b"\0\0\0\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1", id="pointer to itself"),
        pytest.param(b"\0\0\0\0\0\0\0\1\0\0\0\0\0\0\1\0\1\0\0\0\0\0\4\1\2", id="cut address"),
        pytest.param(b"\0\0\0\0\0\0\0\1\0\0\0\0\0\0\1\0\1\0\0\0\0\0\5\1\2\3\4\5", id="address of five bytes"),
    ],
)
def test_what_is_no_message_is_refused(wire: bytes) -> None:
    with pytest.raises(LabError):
        parse(wire)


@pytest.mark.parametrize("text", ["a.example", "a.example A 1.2.3.4", "a.example 30 NONSENSE x"])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(LabError):
        read_record(text)


@pytest.mark.parametrize("label", [b"plain", b"with.dot", b"\0\xff", b"back\\slash", b"sp ace"])
def test_any_label_survives_being_written(label: bytes) -> None:
    assert split_labels(render_label(label) + ".") == [label]


def test_spoilers_change_what_they_say_and_nothing_else() -> None:
    honest = compose(query("web.shop", id=9).response(answers=(read_record("web.shop 5 A 10.0.0.1"),)))
    assert parse(faults.wrong_id(honest)).id != 9
    assert parse(faults.wrong_name(honest)).question.name == "qeb.shop."
    assert parse(faults.wrong_type(honest)).question.qtype == "MX"
    assert parse(faults.wrong_class(honest)).question.qclass == "CH"
    assert parse(faults.header_only(honest)).rcode == "SERVFAIL"
    assert "tc" in parse(faults.truncated(honest)).flags
    assert "qr" not in parse(faults.not_a_response(honest)).flags
    for spoiler in (faults.garbage_after_id, faults.cut_at(20), faults.garbage):
        with pytest.raises(LabError):
            parse(spoiler(honest))


def test_a_reader_never_passes_the_end() -> None:
    with pytest.raises(LabError):
        Reader(b"ab").take(3)
