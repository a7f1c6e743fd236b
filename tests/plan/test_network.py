"""Which of the given addresses are our own, which are borrowed, and what is to be done with them."""

from __future__ import annotations

import pytest

from nodens import config, corefile
from nodens.plan import Facts, NetworkPlan, NodeWishes, compile_plan, split_addresses
from nodens.problems import Problems

LOCAL, SERVICE = "169.254.20.10", "10.96.0.10"


@pytest.mark.parametrize(
    ("given", "services", "own", "borrowed"),
    [
        pytest.param([LOCAL, SERVICE], [], [LOCAL], [SERVICE], id="link-local and service"),
        pytest.param([SERVICE, LOCAL], [], [LOCAL], [SERVICE], id="in any order"),
        pytest.param([LOCAL], [], [LOCAL], [], id="link-local alone, as with IPVS"),
        pytest.param([SERVICE], [], [SERVICE], [], id="an unknown one alone"),
        pytest.param([SERVICE], [SERVICE], [], [SERVICE], id="the service alone"),
        pytest.param(["127.0.0.1", "127.0.0.2"], [], ["127.0.0.1", "127.0.0.2"], [], id="loopback"),
        pytest.param(["fd00::10", "fd00:96::a"], [], ["fd00::10"], ["fd00:96::a"], id="two of IPv6's unique local"),
        pytest.param(["fd00:96::a", "fd00::10"], ["fd00:96::a"], ["fd00::10"], ["fd00:96::a"], id="a known service"),
        pytest.param(["fe80::10", "fd00::10"], [], ["fe80::10", "fd00::10"], [], id="IPv6 link-local"),
        pytest.param([LOCAL, LOCAL], [], [LOCAL], [], id="twice"),
        pytest.param(
            [LOCAL, SERVICE, "fd00::10", "fd00:96::a"],
            [],
            [LOCAL, "fd00::10"],
            [SERVICE, "fd00:96::a"],
            id="both families",
        ),
    ],
)
def test_addresses_are_told_apart(given: list[str], services: list[str], own: list[str], borrowed: list[str]) -> None:
    assert split_addresses(given, services) == (tuple(own), tuple(borrowed))


def decide(node: NodeWishes, *heard: str, own: tuple[str, ...] = (), borrowed: tuple[str, ...] = ()) -> NetworkPlan:
    """Compile a file whose one block listens on these."""
    bind = f"bind {' '.join(heard)}" if heard else "cache"
    text = f".:53 {{\n {bind}\n}}\n"
    problems = Problems()
    tree = corefile.parse(text, "Corefile", problems)
    assert tree
    asked = config.read(tree, problems)
    assert asked
    facts = Facts(node=node, own_addresses=own, borrowed_addresses=borrowed)
    decided = compile_plan(asked, facts, problems)
    assert decided, problems.render()
    said.append(problems.render())
    return decided.network


said: list[str] = []
WISHES = NodeWishes(sets_link=True, sets_rules=True)


def test_without_addresses_nothing_on_the_node_is_ours() -> None:
    assert decide(WISHES).is_idle
    assert not decide(WISHES, own=(LOCAL,)).is_idle
    assert decide(NodeWishes(), own=(LOCAL,)).is_idle


@pytest.mark.parametrize(
    ("heard", "borrowed"),
    [
        pytest.param([LOCAL, SERVICE], (SERVICE,), id="heard"),
        pytest.param([LOCAL], (), id="not heard"),
        pytest.param([], (SERVICE,), id="all are heard"),
    ],
)
def test_traffic_is_never_pointed_at_silence(heard: list[str], borrowed: tuple[str, ...]) -> None:
    assert decide(WISHES, *heard, own=(LOCAL,), borrowed=(SERVICE,)).borrowed_addresses == borrowed
    warning = "Corefile: warning: no block listens on `10.96.0.10:53`; its traffic is not pointed here"
    assert (warning in said[-1]) is (not borrowed)
