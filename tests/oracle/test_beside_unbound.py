"""Another program beside us: unbound and nodens, forwarding to the same NSD, say the same."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rrset
import pytest

NSD, UNBOUND, NODENS, PORT = "127.0.77.1", "127.0.77.2", "127.0.77.3", 5301

pytestmark = [pytest.mark.oracle, pytest.mark.usefixtures("beside")]

QUESTIONS = [
    pytest.param("web.example.", "A", id="an address"),
    pytest.param("WEB.Example.", "AAAA", id="an address, spelt loudly"),
    pytest.param("www.example.", "A", id="an alias"),
    pytest.param("www.example.", "CNAME", id="the alias itself"),
    pytest.param("loop1.example.", "A", id="a chain of aliases"),
    pytest.param("dangling.example.", "A", id="an alias to nothing"),
    pytest.param("tonodata.example.", "AAAA", id="an alias to another type"),
    pytest.param("example.", "MX", id="mail exchangers"),
    pytest.param("example.", "NS", id="name servers"),
    pytest.param("example.", "SOA", id="the start of authority"),
    pytest.param("example.", "CAA", id="certificate authorities"),
    pytest.param("text.example.", "TXT", id="text with quotes"),
    pytest.param("long.example.", "TXT", id="text over one datagram"),
    pytest.param("_http._tcp.example.", "SRV", id="services"),
    pytest.param("naptr.example.", "NAPTR", id="naptr"),
    pytest.param("svcb.example.", "HTTPS", id="https"),
    pytest.param("any.thing.wild.example.", "A", id="a wildcard"),
    pytest.param("nonterminal.example.", "A", id="an empty non-terminal"),
    pytest.param("nothing.example.", "A", id="no such name"),
    pytest.param("web.example.", "MX", id="no such type"),
    pytest.param("sshfp.example.", "SSHFP", id="a fingerprint"),
    pytest.param("unknown.example.", "TYPE65280", id="a type nobody knows"),
    pytest.param("rp.example.", "RP", id="two names in rdata"),
    pytest.param("leaf.dname.example.", "A", id="a renamed subtree"),
    pytest.param("many.example.", "A", id="forty addresses"),
]


def ask(address: str, name: str, qtype: str, **how: object) -> dns.message.Message:
    """Ask over UDP, and over TCP after TC; dnspython parses strictly and checks ID and question."""
    query = dns.message.make_query(name, qtype, **how)  # type: ignore[arg-type]  # tables pass mixed keywords
    return dns.query.udp_with_fallback(query, address, port=PORT, timeout=5)[0]


def said(response: dns.message.Message) -> tuple[str, set[tuple[str, str, frozenset[str]]]]:
    """Give rcode and answer, without TTLs, order and spelling."""
    answer = {
        (
            rrset.name.to_text().lower(),
            dns.rdatatype.to_text(rrset.rdtype),
            frozenset(rdata.to_text() for rdata in rrset),
        )
        for rrset in response.answer
    }
    return dns.rcode.to_text(response.rcode()), answer


@pytest.mark.parametrize(("name", "qtype"), QUESTIONS)
def test_nodens_says_what_unbound_says(name: str, qtype: str) -> None:
    expected = said(ask(UNBOUND, name, qtype))
    assert said(ask(NODENS, name, qtype)) == expected  # the miss
    assert said(ask(NODENS, name, qtype)) == expected  # the hit
    assert said(ask(NODENS, name, qtype, use_edns=0, payload=4096)) == expected


@pytest.mark.parametrize(("name", "qtype"), QUESTIONS)
def test_the_spelling_of_the_question_comes_back(name: str, qtype: str) -> None:
    spelt = "".join(letter.upper() if index % 2 else letter for index, letter in enumerate(name))
    response = ask(NODENS, spelt, qtype)
    assert response.question[0].name.to_text() == spelt


@pytest.mark.parametrize(("name", "qtype"), QUESTIONS)
def test_no_ttl_is_above_the_zones_own(name: str, qtype: str) -> None:
    theirs = {rrset.name: rrset.ttl for rrset in ask(NSD, name, qtype).answer}
    ours = {rrset.name: rrset.ttl for rrset in ask(NODENS, name, qtype).answer}
    assert all(ours[owner] <= max(ttl, 5) for owner, ttl in theirs.items())


def test_a_datagram_keeps_to_the_size_that_was_asked_for() -> None:
    for payload in (512, 700, 1232, 4096):
        query = dns.message.make_query("many.example.", "A", use_edns=0, payload=payload)
        response = dns.query.udp(query, NODENS, port=PORT, timeout=5)
        assert len(response.to_wire()) <= min(payload, 1232)
        # The additional section may be left out unsaid (RFC 2181, 9).
        is_whole = sum(len(rrset) for rrset in response.answer) == 40
        assert is_whole != bool(response.flags & dns.flags.TC)


def test_a_reply_is_no_longer_than_unbounds_for_the_same_records() -> None:
    query = dns.message.make_query("example.", "MX", use_edns=0, payload=1232)
    ours = dns.query.udp(query, NODENS, port=PORT, timeout=5)
    theirs = dns.query.udp(query, NSD, port=PORT, timeout=5)
    assert len(ours.to_wire()) == len(theirs.to_wire())
