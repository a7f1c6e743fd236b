"""In a real kernel that has `dummy` and legacy iptables and neither tun nor nft's inet family: the fourth rung."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.netns, pytest.mark.timeout(180)]


@pytest.fixture
def told(boot: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    return boot("inside.py")


def test_the_rung_is_iptables_with_a_gate_on_a_dummy_and_says_why(told: dict[str, Any]) -> None:
    assert told["rung"] == (
        "rung 4: iptables rules whose gate empties when beats stop, a dummy link;"
        " not nft: the kernel refuses to make a table; not tun: /dev/net/tun: no such file or directory"
    )
    assert told["flavour"] == "legacy"


def test_the_link_is_exactly_as_the_seed_shows_it(told: dict[str, Any]) -> None:
    first, *rest = told["addresses"].splitlines()
    assert first.split(": ", 1)[1].startswith(
        "nodelocaldns: <BROADCAST,NOARP> mtu 1500 qdisc noop state DOWN group default"
    )
    addresses = [line.split()[:4] for line in rest if " inet" in line]
    assert ["inet", "169.254.20.10/32", "scope", "global"] in addresses
    assert ["inet", "10.96.0.10/32", "scope", "global"] in addresses
    assert ["inet6", "fd00:96::a/128", "scope", "global"] in addresses


@pytest.mark.parametrize("number", [0, 1], ids=["own", "borrowed"])
def test_addresses_on_the_link_that_is_down_are_local(told: dict[str, Any], number: int) -> None:
    assert told["routes"][number].startswith("local ")


def test_rules_stand_in_legacy_iptables_and_are_gated(told: dict[str, Any]) -> None:
    for rules in (told["raw"], told["raw6"]):
        assert len(rules) == 2 + 16
        assert sum("--match-set nodens-" in rule for rule in rules) == 8
    assert len(told["input"]) == 1 + 4
    assert told["missing"] == []
    assert told["steered"] == ["10.96.0.10", "169.254.20.10", "fd00:20::10", "fd00:96::a"]


def test_the_gate_lets_go_when_beats_stop_and_opens_with_the_next(told: dict[str, Any]) -> None:
    print(f"ipset on Linux 6.1, hold 2000 ms: empty after {told['let_go_s'] * 1000:.0f} ms")  # noqa: T201 - a figure
    assert 0.5 < told["let_go_s"] < 4
    assert told["steered_again"] == told["steered"]


def test_a_deleted_link_and_flushed_rules_are_put_back(told: dict[str, Any]) -> None:
    assert "link" in told["noticed"]
    assert told["repaired"] == [
        "nodelocaldns",
        "169.254.20.10",
        "fd00:20::10",
        "10.96.0.10",
        "fd00:96::a",
        "IPv4 iptables (16 missing, 0 too many)",
    ]
    assert told["missing_after"] == []


def test_leaving_leaves_nothing_and_release_finds_what_a_dead_one_left_once(told: dict[str, Any]) -> None:
    assert told["released_by_itself"] == []
    assert told["found"] == [
        "iptables-legacy: 12 rules of 10.96.0.10: removed",
        "iptables-legacy: 12 rules of 169.254.20.10: removed",
        "ip6tables-legacy: 12 rules of fd00:96::a: removed",
        "ip6tables-legacy: 12 rules of fd00:20::10: removed",
        "ipset nodens-4: removed",
        "ipset nodens-6: removed",
        "link nodelocaldns (dummy, 169.254.20.10, 10.96.0.10, fd00:96::a, fd00:20::10): removed",
    ]
    assert told["found_again"] == []
