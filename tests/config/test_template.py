"""Template + ConfigMap + addresses -> the Corefile that is served."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodens.config.kubedns import KubeDns, read_kube_dns
from nodens.config.template import Pillars, merge
from nodens.corefile import parse, render
from nodens.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Pillars(local_dns=("169.254.20.10", "10.96.0.10"), cluster_dns=("10.96.0.11",))

# As the official manifest has it, with a cluster domain put in, and a comment of somebody's own.
OFFICIAL = """\
cluster.local:53 {
    errors
    cache {
            success 9984 30
            denial 9984 5
    }
    reload
    loop
    bind __PILLAR__LOCAL__DNS__ __PILLAR__DNS__SERVER__
    forward . __PILLAR__CLUSTER__DNS__ {
            force_tcp
    }
    prometheus :9253
    health __PILLAR__LOCAL__DNS__:8080
    }
in-addr.arpa:53 {
    errors
    cache 30
    reload
    loop
    bind __PILLAR__LOCAL__DNS__ __PILLAR__DNS__SERVER__
    forward . __PILLAR__CLUSTER__DNS__ {
            force_tcp
    }
    prometheus :9253
    }
.:53 {
    errors
    cache 30    # longer than the default, see ticket 7
    reload
    loop
    bind __PILLAR__LOCAL__DNS__ __PILLAR__DNS__SERVER__
    forward . __PILLAR__UPSTREAM__SERVERS__ {
            force_tcp
    }
    prometheus :9253
    }
"""


def kube_dns(stubs: dict[str, list[str]] | None = None, upstreams: list[str] | None = None) -> KubeDns:
    """Make a ConfigMap and read it."""
    problems = Problems()
    texts = {"stubDomains": json.dumps(stubs or {}), "upstreamNameservers": json.dumps(upstreams or [])}
    read = read_kube_dns(texts, problems)
    assert read is not None, problems.render()
    return read


def merged(template: str, asked: KubeDns, pillars: Pillars = HERE) -> tuple[str, Problems]:
    """Merge, and check that the text says what the tree says."""
    problems = Problems()
    tree = parse(template, "Corefile.base", problems)
    assert tree is not None
    result = merge(tree, template, asked, pillars, problems)
    assert result is not None, problems.render()
    noted = Problems()
    again = parse(result.text, "Corefile", noted)
    assert again is not None, f"{result.text}\n{noted.render()}"
    assert not noted.are_fatal, f"{result.text}\n{noted.render()}"
    assert render(again) == render(result.tree)
    return result.text, problems


@pytest.mark.parametrize(
    ("asked", "pillars"),
    [
        pytest.param(kube_dns(), HERE, id="no config map"),
        pytest.param(kube_dns(upstreams=["1.1.1.1", "[2001:db8::1]:53"]), HERE, id="upstream nameservers"),
        pytest.param(
            kube_dns({"b.corp": ["10.1.1.1"], "acme.local": ["1.1.1.1", "8.8.8.8:10053"]}), HERE, id="stub domains"
        ),
        pytest.param(
            kube_dns(), Pillars(local_dns=("fd00::a", "fd00::b"), cluster_dns=("fd00::10",)), id="IPv6 addresses"
        ),
        pytest.param(kube_dns({"cluster.local": ["10.9.9.9"]}), HERE, id="a stub domain that the template serves"),
    ],
)
def test_the_official_template_is_filled_in(
    asked: KubeDns, pillars: Pillars, request: pytest.FixtureRequest, golden: Callable[[str, str], None]
) -> None:
    text, problems = merged(OFFICIAL, asked, pillars)
    assert not problems.are_fatal
    golden(f"config/template/{request.node.callspec.id.replace(' ', '_')}.Corefile", text)


UPSTREAMS = kube_dns(upstreams=["9.9.9.9"])
STUB = kube_dns({"acme.local": ["10.1.1.1", "10.1.1.2"]})
BLOCK = (
    "\nacme.local:53 {\n    errors\n    cache 30\n    bind 169.254.20.10 10.96.0.10\n    forward . 10.1.1.1 10.1.1.2\n"
)


@pytest.mark.parametrize(
    ("template", "asked", "expected"),
    [
        pytest.param(
            ". {\n bind __PILLAR__DNS__SERVER__ x\n}\n",
            UPSTREAMS,
            ". {\n bind x\n}\n",
            id="an empty value takes its blank",
        ),
        pytest.param(
            ". {\n bind __PILLAR__LOCAL__DNS__ __PILLAR__DNS__SERVER__ # mine\n}\n",
            UPSTREAMS,
            ". {\n bind 169.254.20.10 10.96.0.10 # mine\n}\n",
            id="comments stay",
        ),
        pytest.param(
            "# __PILLAR__LOCAL__DNS__\n. {\n}\n",
            UPSTREAMS,
            "# __PILLAR__LOCAL__DNS__\n. {\n}\n",
            id="comments are not filled in",
        ),
        pytest.param(
            ". {\r\n bind __PILLAR__DNS__SERVER__ a\r\n}\r\n", UPSTREAMS, ". {\r\n bind a\r\n}\r\n", id="CRLF stays"
        ),
        pytest.param(
            "\ufeff__PILLAR__CLUSTER__DNS__ {\n}\n", UPSTREAMS, "\ufeff10.96.0.11 {\n}\n", id="a byte order mark stays"
        ),
        pytest.param(
            '. {\n log . "a\n__PILLAR__LOCAL__DNS__ \\"" x\n}\n',
            UPSTREAMS,
            '. {\n log . "a\n169.254.20.10 10.96.0.10 \\"" x\n}\n',
            id="a value inside quotes of two lines",
        ),
        pytest.param(
            ". {\n health __PILLAR__LOCAL__DNS__:8080\n ready __PILLAR__LOCAL__DNS__:8181\n}\n",
            UPSTREAMS,
            ". {\n health 169.254.20.10:8080\n ready 169.254.20.10:8181\n}\n",
            id="an endpoint takes the first local address",
        ),
        pytest.param(
            ". {\n\tforward . __PILLAR__UPSTREAM__SERVERS__ {\n\t\tforce_tcp\n\t}\n}\n",
            UPSTREAMS,
            ". {\n\tforward . 9.9.9.9\n}\n",
            id="force_tcp goes at any indentation",
        ),
        pytest.param(
            ". {\n  forward . __PILLAR__UPSTREAM__SERVERS__ {\n    force_tcp  # always\n    max_fails 3\n  }\n}\n",
            UPSTREAMS,
            ". {\n  forward . 9.9.9.9 {\n    max_fails 3\n  }\n}\n",
            id="force_tcp goes and other options stay",
        ),
        pytest.param(
            ". {\n  forward . __PILLAR__UPSTREAM__SERVERS__ { force_tcp\n    max_fails 3\n  }\n}\n",
            UPSTREAMS,
            ". {\n  forward . 9.9.9.9 {\n    max_fails 3\n  }\n}\n",
            id="force_tcp goes from the line of the brace",
        ),
        pytest.param(
            ". {\n  forward . __PILLAR__UPSTREAM__SERVERS__ {\n    # for a reason\n    force_tcp\n  }\n}\n",
            UPSTREAMS,
            ". {\n  forward . 9.9.9.9 {\n    # for a reason\n  }\n}\n",
            id="force_tcp goes and a comment stays",
        ),
        pytest.param(
            ". {\n forward . __PILLAR__UPSTREAM__SERVERS__ {\n  force_tcp\n }\n}\n",
            kube_dns(),
            ". {\n forward . /etc/resolv.conf {\n  force_tcp\n }\n}\n",
            id="force_tcp stays without upstream nameservers",
        ),
        pytest.param(
            "(s) {\n bind __PILLAR__LOCAL__DNS__\n}\n. {\n import s\n}\n",
            UPSTREAMS,
            "(s) {\n bind 169.254.20.10 10.96.0.10\n}\n. {\n import s\n}\n",
            id="snippets are filled in and imports stay",
        ),
        pytest.param(
            ". {\n}", STUB, ". {\n}\n" + BLOCK + "}\n", id="a stub domain after a file without a last line break"
        ),
        pytest.param(
            "x {\n log x\n}\n. {\n log\n prometheus __PILLAR__LOCAL__DNS__:9153\n"
            " errors {\n  stacktrace\n }\n reload 9s\n}\n",
            STUB,
            "x {\n log x\n}\n. {\n log\n prometheus 169.254.20.10:9153\n errors {\n  stacktrace\n }\n reload 9s\n}\n"
            + BLOCK
            + "    log\n    prometheus 169.254.20.10:9153\n    reload 9s\n}\n",
            id="a stub domain is watched as the block for the root is",
        ),
        pytest.param(
            "x {\n loop\n}\ny {\n log\n}\n",
            STUB,
            "x {\n loop\n}\ny {\n log\n}\n" + BLOCK + "    loop\n}\n",
            id="without a block for the root the first one is copied",
        ),
        pytest.param(
            ".:53 # all\nerrors\n",
            STUB,
            ".:53 { # all\nerrors\n}\n" + BLOCK + "}\n",
            id="a block without braces gets them",
        ),
        pytest.param(
            "Acme.Local. {\n  forward . __PILLAR__CLUSTER__DNS__ {\n    force_tcp\n    max_fails 1\n  }\n"
            "  forward a.acme.local 1.1.1.1\n}\n",
            STUB,
            "Acme.Local. {\n  forward . 10.1.1.1 10.1.1.2 {\n    max_fails 1\n  }\n  forward a.acme.local 1.1.1.1\n}\n",
            id="a zone of the template is forwarded to the stub domain's servers",
        ),
        pytest.param(
            "acme.local:53 {\n  errors\n  }\n",
            STUB,
            "acme.local:53 {\n  errors\n    forward . 10.1.1.1 10.1.1.2\n  }\n",
            id="a zone of the template without forward gets one",
        ),
        pytest.param(
            "acme.local { }\n",
            STUB,
            "acme.local { \n    forward . 10.1.1.1 10.1.1.2\n}\n",
            id="an empty block gets a forward",
        ),
        pytest.param(
            "acme.local\nerrors",
            STUB,
            "acme.local\nerrors\n    forward . 10.1.1.1 10.1.1.2\n",
            id="a block without braces gets a forward",
        ),
        pytest.param(
            "a.b, acme.local:53, c {\n}\n",
            STUB,
            "a.b c {\n}\n" + BLOCK + "}\n",
            id="one key of several gets a block of its own",
        ),
        pytest.param(
            "acme.local:5353 {\n}\n", STUB, "acme.local:5353 {\n}\n" + BLOCK + "}\n", id="another port is another zone"
        ),
        pytest.param(
            "tls://acme.local {\n}\n",
            STUB,
            "tls://acme.local {\n}\n" + BLOCK + "}\n",
            id="another transport is another zone",
        ),
    ],
)
def test_a_template_keeps_its_layout(template: str, asked: KubeDns, expected: str) -> None:
    text, problems = merged(template, asked)
    assert not problems.are_fatal
    assert text == expected


def test_an_unknown_cluster_address_is_a_problem_that_names_the_variable(golden: Callable[[str, str], None]) -> None:
    problems = Problems()
    tree = parse(OFFICIAL, "Corefile.base", problems)
    assert tree is not None
    here = Pillars(local_dns=("169.254.20.10",), cluster_dns=(), cluster_dns_variable="MY_DNS_SERVICE_HOST")
    assert merge(tree, OFFICIAL, kube_dns(), here, problems) is None
    assert len(problems) == 1
    golden("config/template/cluster_address_unknown.txt", problems.render() + "\n")


def test_an_unknown_cluster_address_that_nobody_asks_for_is_none() -> None:
    text, problems = merged(". {\n}\n", kube_dns(), Pillars(local_dns=("127.0.0.1",), cluster_dns=()))
    assert (text, len(problems)) == (". {\n}\n", 0)


def test_a_stub_domain_that_the_template_serves_is_warned_of(golden: Callable[[str, str], None]) -> None:
    asked = kube_dns({"a.b": ["1.1.1.1"], "c.d": ["2.2.2.2"]})
    _, problems = merged("a.b {\n}\nx c.d {\n}\n", asked)
    golden("config/template/stub_domains_served_twice.txt", problems.render() + "\n")


def test_the_order_of_a_config_map_does_not_matter() -> None:
    one = kube_dns({"a.b": ["1.1.1.1"], "c.d": ["2.2.2.2"]})
    other = kube_dns({"c.d": ["2.2.2.2"], "a.b": ["1.1.1.1"]})
    assert merged(OFFICIAL, one)[0] == merged(OFFICIAL, other)[0]


SCRAPS = [
    *(
        "errors\n",
        "forward . __PILLAR__UPSTREAM__SERVERS__ {\nforce_tcp\n}\n",
        "forward . __PILLAR__CLUSTER__DNS__\n",
        "# x\n",
    ),
    *(
        "bind __PILLAR__LOCAL__DNS__ __PILLAR__DNS__SERVER__\n",
        'log . "__PILLAR__LOCAL__DNS__ \\" \n" {\nclass error\n}\n',
    ),
    *(
        "health __PILLAR__LOCAL__DNS__:8080\n",
        "forward acme.local 1.1.1.1 { force_tcp\nx\n}\n",
        "\n",
        "import x\n",
        "\t\n",
    ),
]
KEYS = ["acme.local", "a.b", ".:53", "acme.local:5353", "dns://acme.local.", "x, acme.local", "c.d a.b"]
bodies = st.lists(st.sampled_from(SCRAPS), max_size=5).map("".join)
templates = st.builds(
    lambda blocks, last: "".join(f"{key} {{\n{body}}}\n" for key, body in blocks) + last,
    st.lists(st.tuples(st.sampled_from(KEYS), bodies), min_size=1, max_size=4),
    st.sampled_from(["", "\n# end", "a.b\nerrors\n", "acme.local:53\nerrors"]),
)
asks = st.builds(
    kube_dns,
    st.dictionaries(st.sampled_from(["acme.local", "a.b", "c.d"]), st.just(["10.1.1.1", "[::1]:53"]), max_size=3),
    st.lists(st.just("9.9.9.9"), max_size=2),
)


@given(templates, asks)
@settings(max_examples=200, deadline=None)
def test_the_text_always_says_what_the_tree_says(template: str, asked: KubeDns) -> None:
    merged(template, asked)
