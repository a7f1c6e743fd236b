"""Endpoints and upstreams."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as some

from nodens.config.addresses import read_endpoint, read_source_address, read_upstream
from nodens.corefile import Word
from nodens.problems import Place, Problems

MakeWord = Callable[[str], Word]
EXPECTED = "expected an IP address, with or without port, or the path of a resolv.conf"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(":9253", ("", 9253), id="all addresses"),
        pytest.param("127.0.0.1:8080", ("127.0.0.1", 8080), id="IPv4"),
        pytest.param("[::1]:8080", ("::1", 8080), id="IPv6"),
        pytest.param("[fe80::1%eth0]:8080", ("fe80::1%eth0", 8080), id="IPv6 with its interface"),
        pytest.param("localhost:9153", ("localhost", 9153), id="a host name"),
        pytest.param("foo", None, id="no port"),
        pytest.param("::1", None, id="IPv6 without brackets"),
        pytest.param("2001:db8::1:53", None, id="IPv6 without brackets, with a port perhaps"),
        pytest.param("[::1]", None, id="IPv6 without port"),
        pytest.param("[1.2.3.4]:53", None, id="IPv4 in brackets"),
        pytest.param("1.2.3.400:53", None, id="not an address"),
        pytest.param(":0", None, id="port zero"),
        pytest.param(":65536", None, id="port too large"),
        pytest.param(":http", None, id="a port by name"),
        pytest.param("a b:80", None, id="a space"),
        pytest.param("-a-:80", None, id="not a host name"),
    ],
)
def test_an_endpoint_has_a_port(text: str, expected: tuple[str, int] | None, word: MakeWord) -> None:
    problems = Problems()
    found = read_endpoint(word(text), problems)
    assert (found and (found.host, found.port)) == expected
    assert problems.are_fatal == (expected is None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("1.2.3.4", ("1.2.3.4", "", 53, ""), id="IPv4"),
        pytest.param("1.2.3.4:5300", ("1.2.3.4", "", 5300, ""), id="IPv4 and port"),
        pytest.param("2001:DB8::1", ("2001:db8::1", "", 53, ""), id="IPv6, made canonical"),
        pytest.param("[2001:db8::1]:5300", ("2001:db8::1", "", 5300, ""), id="IPv6 and port"),
        pytest.param("[2001:db8::1]", ("2001:db8::1", "", 53, ""), id="IPv6 in brackets"),
        pytest.param("fe80::1%eth0", ("fe80::1", "eth0", 53, ""), id="a zone id"),
        pytest.param("[fe80::1%eth0]:5300", ("fe80::1", "eth0", 5300, ""), id="a zone id and port"),
        pytest.param("::ffff:1.2.3.4", ("1.2.3.4", "", 53, ""), id="IPv4 inside IPv6"),
        pytest.param("dns://1.2.3.4", ("1.2.3.4", "", 53, ""), id="the scheme of plain DNS"),
        pytest.param("/etc/resolv.conf", ("", "", 0, "/etc/resolv.conf"), id="a file"),
        pytest.param("./resolv.conf", ("", "", 0, "./resolv.conf"), id="a file beside"),
        pytest.param("tls://9.9.9.9", "`tls://` is an upstream transport that nodens does not speak yet", id="TLS"),
        pytest.param("https://1.1.1.1", "`https://` is an upstream transport that nodens does not speak yet", id="DoH"),
        pytest.param("ftp://1.1.1.1", "`ftp://` is not an upstream transport; expected `dns://` or none", id="no DNS"),
        pytest.param("dns://", "`dns://` names no upstream; expected an IP address after it", id="nothing behind it"),
        pytest.param(
            "localhost",
            "`localhost` is not an upstream; " + EXPECTED,
            id="a host name",
        ),
        pytest.param(
            "1.2.3.4:0",
            "`1.2.3.4:0` is not an upstream; " + EXPECTED,
            id="port zero",
        ),
        pytest.param("1.2.3.4%eth0", None, id="a zone id on IPv4"),
        pytest.param("", None, id="an empty word"),
        pytest.param("<nil>", None, id="what node-cache writes for a missing service"),
    ],
)
def test_an_upstream_is_an_address_or_a_file(
    text: str, expected: tuple[str, str, int, str] | str | None, word: MakeWord
) -> None:
    problems = Problems()
    found = read_upstream(word(text), problems)
    if found is None:
        assert problems.are_fatal
        assert expected in (None, next(iter(problems)).what)
    else:
        assert (found.address, found.zone_id, found.port, found.path) == expected


@given(text=some.text(max_size=30) | some.from_regex(r"(dns://)?\[?[0-9a-f:.%]{0,20}\]?(:[0-9]{0,6})?", fullmatch=True))
def test_no_word_makes_a_reader_raise(text: str) -> None:
    word = Word(text=text, at=Place(file="x"))
    for reader in (read_upstream, read_endpoint, read_source_address):
        problems = Problems()
        assert (reader(word, problems) is None) == problems.are_fatal
