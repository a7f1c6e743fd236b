"""Which of the given addresses are our own, which are borrowed, and what is to be done with them."""

from __future__ import annotations

import pytest

from nodens.plan import Facts, NodeWishes, split_addresses
from nodens.plan.network import network_plan

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


def test_without_addresses_nothing_on_the_node_is_ours() -> None:
    wishes = NodeWishes(sets_link=True, sets_rules=True)
    assert network_plan(Facts(node=wishes)).is_idle
    assert not network_plan(Facts(node=wishes, own_addresses=(LOCAL,))).is_idle
    assert network_plan(Facts(own_addresses=(LOCAL,))).is_idle
