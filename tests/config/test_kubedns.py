"""The kube-dns ConfigMap: what is read, and what is said of each thing that is wrong."""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodens.config.kubedns import KubeDns, read_kube_dns
from nodens.config.placed_json import Array, Object, Other, Value, read_json
from nodens.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Callable


def stubs(given: KubeDns | None) -> dict[str, tuple[str, ...]]:
    """Give the stub domains in their order."""
    assert given is not None
    return {stub.domain: stub.servers for stub in given.stub_domains}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({}, KubeDns(), id="no files"),
        pytest.param({"other": "{"}, KubeDns(), id="other files are none of ours"),
        pytest.param({"stubDomains": "{}"}, KubeDns(), id="no stub domains"),
        pytest.param({"stubDomains": " null\n"}, KubeDns(), id="null is nothing given"),
        pytest.param({"upstreamNameservers": "[]"}, KubeDns(), id="no upstream nameservers"),
        pytest.param(
            {"upstreamNameservers": '["1.1.1.1", "8.8.8.8:5353", "[2001:db8::1]:53"]'},
            KubeDns(upstream_nameservers=("1.1.1.1", "8.8.8.8:5353", "[2001:db8::1]:53")),
            id="upstream nameservers as written",
        ),
        pytest.param(
            {"upstreamNameservers": '["::1"]'}, KubeDns(upstream_nameservers=("::1",)), id="a bare IPv6 address"
        ),
        pytest.param(
            {"federations": "a=b.example,c=d"}, KubeDns(federations=(("a", "b.example"), ("c", "d"))), id="federations"
        ),
        pytest.param({"federations": " \n"}, KubeDns(), id="empty federations"),
    ],
)
def test_the_config_map_is_read(files: dict[str, str], expected: KubeDns) -> None:
    problems = Problems()
    assert read_kube_dns(files, problems) == expected
    assert not len(problems)


def test_stub_domains_are_sorted_whatever_their_order() -> None:
    one = '{"b.example": ["1.1.1.1"], "a.example": ["2.2.2.2:53", "3.3.3.3"]}'
    other = '{"a.example": ["2.2.2.2:53", "3.3.3.3"],\n "b.example": ["1.1.1.1"]}'
    read = [read_kube_dns({"stubDomains": text}, Problems()) for text in (one, other)]
    assert [list(stubs(each).items()) for each in read] == [
        [("a.example", ("2.2.2.2:53", "3.3.3.3")), ("b.example", ("1.1.1.1",))]
    ] * 2


def test_the_last_of_two_equal_stub_domains_counts_with_a_warning() -> None:
    problems = Problems()
    read = read_kube_dns({"stubDomains": '{"a.b": ["1.1.1.1"], "a.b": ["2.2.2.2"]}'}, problems)
    assert stubs(read) == {"a.b": ("2.2.2.2",)}
    assert not problems.are_fatal
    assert "stubDomains:1:22: warning: `a.b` stands twice" in problems.render()


BAD = [
    pytest.param({"stubDomains": ""}, id="no JSON at all"),
    pytest.param({"stubDomains": '{"a.b": ["1.1.1.1"]'}, id="an object never closed"),
    pytest.param({"stubDomains": '{"a.b": ["1.1.1.1" "2.2.2.2"]}'}, id="a comma missing"),
    pytest.param({"stubDomains": '{"a.b": ["1.1.1.1"],}'}, id="a comma too many"),
    pytest.param({"stubDomains": "{a.b: []}"}, id="a name without quotes"),
    pytest.param({"stubDomains": '{"a.b": ["1.1.1.1]}\n'}, id="a string never closed"),
    pytest.param({"stubDomains": '{"a.b": ["1.1.1.1"]} x'}, id="something after the value"),
    pytest.param({"stubDomains": "[" * 100_000}, id="arrays too deep"),
    pytest.param({"stubDomains": '["a.b"]'}, id="an array for an object"),
    pytest.param({"stubDomains": '{"a.b": "1.1.1.1"}'}, id="a string for an array"),
    pytest.param({"stubDomains": '{"a.b": [53]}'}, id="a number for a string"),
    pytest.param(
        {"stubDomains": '{\n  "Acme.local": ["1.1.1.1"],\n  "b.c.": ["1.1.1.1"]\n}'}, id="names not as they should be"
    ),
    pytest.param(
        {"stubDomains": f'{{"{"a" * 64}.b": ["1.1.1.1"], "{"a." * 127}b": ["1.1.1.1"]}}'}, id="names too long"
    ),
    pytest.param({"stubDomains": '{"a.b": []}'}, id="no servers"),
    pytest.param(
        {"stubDomains": '{"a.b": ["ns.a.b", "[::1]", "tls://1.1.1.1", "fe80::1%eth0", ""]}'}, id="no addresses"
    ),
    pytest.param({"stubDomains": '{"a.b": ["1.1.1.1:0", "1.1.1.1:65536", "[::1]:x", "1.1.1.1:"]}'}, id="no ports"),
    pytest.param(
        {"upstreamNameservers": '["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"]'}, id="four upstream nameservers"
    ),
    pytest.param({"upstreamNameservers": '{"a": 1}'}, id="an object for an array"),
    pytest.param({"upstreamNameservers": '["\\ud800"]'}, id="half a letter"),
    pytest.param({"federations": "a=b, c"}, id="a federation without a domain"),
    pytest.param({"stubDomains": "{", "upstreamNameservers": "[", "federations": "x"}, id="all files wrong"),
]


@pytest.mark.parametrize("files", BAD)
def test_each_wrong_config_map_is_told_what_is_wrong_and_where(
    files: dict[str, str], request: pytest.FixtureRequest, golden: Callable[[str, str], None]
) -> None:
    problems = Problems()
    assert read_kube_dns(files, problems, "/etc/kube-dns") is None
    name = request.node.callspec.id.replace(" ", "_")
    golden(f"config/kubedns/{name}.txt", problems.render() + "\n")


values = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def plain(value: Value) -> object:
    """Give a placed value as Python's own reader gives it."""
    match value:
        case Array():
            return [plain(item) for item in value.values]
        case Object():
            return {name.text: plain(item) for name, item in value.members}
        case Other():
            return json.loads(value.text)
        case _:
            return value.text


@given(values, st.sampled_from([None, 2]))
@settings(max_examples=100, deadline=None)
def test_placed_json_is_what_python_reads(value: object, indent: int | None) -> None:
    problems = Problems()
    read = read_json(json.dumps(value, indent=indent), "x", problems)
    assert read is not None, problems.render()
    assert plain(read) == value


@given(st.text('{}[]",:\\ \n1atruenl' + string.ascii_lowercase[:3], max_size=40), st.text(max_size=20))
@settings(max_examples=200, deadline=None)
def test_any_texts_give_a_config_or_problems(one: str, other: str) -> None:
    problems = Problems()
    read = read_kube_dns({"stubDomains": one, "upstreamNameservers": other, "federations": other}, problems)
    assert (read is None) == problems.are_fatal
    problems.render()
