"""Names, zones, CIDRs and keys."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as some

from nodens.config import parse_name
from nodens.config.names import read_name, read_zone_keys, read_zones, reverse_zones
from nodens.corefile import Word
from nodens.problems import Problems

MakeWord = Callable[[str], Word]
LABEL = "a" * 63


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(".", ".", id="the root"),
        pytest.param("example.org", "example.org.", id="made fully qualified"),
        pytest.param("Example.ORG.", "example.org.", id="lower-cased"),
        pytest.param(r"a\.b.c", r"a\.b.c.", id="a dot inside a label"),
        pytest.param(r"\065.c", "a.c.", id="an escaped letter becomes itself, lower case"),
        pytest.param(r"\000.c", r"\000.c.", id="an octet that does not print"),
        pytest.param(r"a\\b", r"a\\b.", id="a backslash"),
        pytest.param("_dns._udp.x", "_dns._udp.x.", id="underscores"),
        pytest.param(f"{LABEL}.x", f"{LABEL}.x.", id="a label of 63"),
        pytest.param(f"{LABEL}a", "a label is over 63 octets", id="a label of 64"),
        pytest.param(".".join([LABEL] * 3 + ["a" * 61]), ".".join([LABEL] * 3 + ["a" * 61, ""]), id="255 octets"),
        pytest.param(".".join([LABEL] * 3 + ["a" * 62]), "the name is over 255 octets", id="256 octets"),
        pytest.param("a..b", "a label is empty", id="an empty label"),
        pytest.param(".a", "a label is empty", id="a dot in front"),
        pytest.param("..", "a label is empty", id="two dots"),
        pytest.param("", "it is empty", id="nothing"),
        pytest.param("m\u00fcnchen.de", "it holds letters outside ASCII", id="letters outside ASCII"),
        pytest.param("a b", "it holds white space or control letters", id="white space"),
        pytest.param("a\\", "an escape is cut short", id="a lone backslash"),
        pytest.param(r"a\25", "an escape is cut short", id="two digits"),
        pytest.param(r"\256", r"`\256` is not an octet", id="over an octet"),
    ],
)
def test_a_name_is_made_canonical(text: str, expected: str) -> None:
    try:
        found = parse_name(text)
    except ValueError as error:
        found = str(error)
    assert found == expected


@given(
    labels=some.lists(some.binary(min_size=1, max_size=63), max_size=6).filter(
        lambda labels: sum(len(label) + 1 for label in labels) < 255
    )
)
def test_dnspython_reads_the_name_that_we_write(labels: list[bytes]) -> None:
    theirs = dns.name.Name([*labels, b""])
    ours = parse_name(theirs.to_text())
    assert dns.name.from_text(ours) == theirs
    assert dns.name.from_text(ours).labels == tuple(label.lower() for label in (*labels, b""))
    assert parse_name(ours) == ours


def test_a_name_outside_ascii_gets_the_hint_to_write_its_other_form(word: MakeWord) -> None:
    problems = Problems()
    assert read_name(word("m\u00fcnchen.de"), problems) is None
    assert next(iter(problems)).hint == "write the `xn--` form of each label"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("10.0.0.0/24", ["0.0.10.in-addr.arpa."], id="on an octet"),
        pytest.param(
            "10.0.0.0/22", [f"{number}.0.10.in-addr.arpa." for number in range(4)], id="off an octet gives all under it"
        ),
        pytest.param("10.1.2.3/32", ["3.2.1.10.in-addr.arpa."], id="one address"),
        pytest.param("10.1.2.3/24", ["2.1.10.in-addr.arpa."], id="host bits are dropped"),
        pytest.param("10.0.0.0/0", ["in-addr.arpa."], id="everything"),
        pytest.param("fd00::/8", ["d.f.ip6.arpa."], id="IPv6 on a nibble"),
        pytest.param("2001:db8::/30", [f"{digit}.b.d.0.1.0.0.2.ip6.arpa." for digit in "89ab"], id="IPv6 off a nibble"),
        pytest.param("10.0.0.1", ["10.0.0.1."], id="without a mask it is a name"),
        pytest.param("0/25.2.0.192.in-addr.arpa", ["0/25.2.0.192.in-addr.arpa."], id="a classless zone is a name"),
        pytest.param(
            "::1/128", "`::1/128` is not a CIDR; expected one such as `10.0.0.0/24` or `fd00::/8`", id="a colon first"
        ),
        pytest.param(
            "0::/8", "`0::/8` is not a CIDR; expected one such as `10.0.0.0/24` or `fd00::/8`", id="a zero first"
        ),
        pytest.param("10.0.0.0/33", "`10.0.0.0/33` is not a CIDR; the mask is too long", id="mask too long"),
        pytest.param(
            "10.0.0.0/255.0.0.0",
            "`10.0.0.0/255.0.0.0` is not a CIDR; expected one such as `10.0.0.0/24` or `fd00::/8`",
            id="a mask in dots",
        ),
        pytest.param("a..b", "`a..b` is not a zone; a label is empty", id="no name"),
    ],
)
def test_a_cidr_stands_for_reverse_zones(text: str, expected: list[str] | str, word: MakeWord) -> None:
    problems = Problems()
    found = read_zones(word(text), problems)
    assert (list(found) if found is not None else next(iter(problems)).what) == expected


def test_a_seventeen_bit_mask_gives_128_zones(word: MakeWord) -> None:
    zones = read_zones(word("10.0.0.0/17"), Problems())
    assert zones is not None
    assert len(zones) == 128
    assert zones[-1] == "127.0.10.in-addr.arpa."


@given(address=some.ip_addresses(), length=some.integers(min_value=0, max_value=128))
def test_every_address_of_a_network_lies_in_one_of_its_zones(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, length: int
) -> None:
    network = ipaddress.ip_network((address, min(length, address.max_prefixlen)), strict=False)
    zones = reverse_zones(network)
    pointer = f"{address.reverse_pointer}."
    assert sum(pointer == zone or pointer.endswith(f".{zone}") for zone in zones) == 1
    assert len(set(zones)) == len(zones)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(".", [(".", None)], id="the root"),
        pytest.param("cluster.local:53", [("cluster.local.", 53)], id="a port"),
        pytest.param("Cluster.Local", [("cluster.local.", None)], id="upper case matches"),
        pytest.param("dns://x:5300", [("x.", 5300)], id="a scheme"),
        pytest.param("10.0.0.0/24:5300", [("0.0.10.in-addr.arpa.", 5300)], id="a port behind a mask"),
        pytest.param("fd00::/8", [("d.f.ip6.arpa.", None)], id="colons of a CIDR are not a port"),
        pytest.param("fd00::/8:5300", [("d.f.ip6.arpa.", 5300)], id="a port behind a CIDR with colons"),
        pytest.param("x:", "`x:` has nothing after its last colon; expected a port", id="nothing after the colon"),
        pytest.param(
            "x:0", "`0` is any free port, which nobody could find; expected a number from 1 to 65535", id="port zero"
        ),
        pytest.param("x:99999", "`99999` is not a port; expected a number from 1 to 65535", id="port too large"),
        pytest.param("x:dns", "`dns` is not a port; expected a number from 1 to 65535", id="a port by name"),
        pytest.param(":53", "`` is not a zone; it is empty", id="no zone"),
        pytest.param("}", [("}.", None)], id="a brace is a strange name"),
        pytest.param("tls://x", "`tls://` is a scheme of CoreDNS that nodens does not serve yet", id="tls"),
        pytest.param("https3://x", "`https3://` is a scheme of CoreDNS that nodens does not serve yet", id="https3"),
        pytest.param("ftp://x", "`ftp://` is not a scheme; expected `dns://`", id="no scheme of DNS"),
        pytest.param(
            "2001:db8::1",
            "`2001:db8::1` is an address; expected a zone, or a CIDR such as `2001:db8::1/128`",
            id="an IPv6 address",
        ),
    ],
)
def test_a_key_is_scheme_zone_and_port(text: str, expected: list[tuple[str, int | None]] | str, word: MakeWord) -> None:
    problems = Problems()
    keys = read_zone_keys(word(text), problems)
    found = [(key.zone, key.port) for key in keys] if keys is not None else next(iter(problems)).what
    assert found == expected
