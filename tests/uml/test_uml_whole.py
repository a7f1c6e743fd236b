"""The whole program in a real kernel with `dummy` and legacy iptables: what the seed shows, and each way to end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.netns, pytest.mark.timeout(180)]

SKIP, ALLOW = "NodeLocal DNS Cache: skip conntrack", "NodeLocal DNS Cache: allow DNS traffic"
NO_RULES = {
    "raw": ["-P PREROUTING ACCEPT", "-P OUTPUT ACCEPT"],
    "filter": ["-P INPUT ACCEPT", "-P FORWARD ACCEPT", "-P OUTPUT ACCEPT"],
}
NOTHING = "nothing of nodens or node-cache was found"
# As iptables lists them: what was inserted last comes first, so the second address, and udp before tcp.
TWELVE = (
    ("raw", "PREROUTING", "-d IP/32 -p udp -m udp --dport 53{gate} -m comment --comment S -j NOTRACK"),
    ("raw", "PREROUTING", "-d IP/32 -p tcp -m tcp --dport 53{gate} -m comment --comment S -j NOTRACK"),
    ("raw", "OUTPUT", "-s IP/32 -p tcp -m tcp --sport 8080 -m comment --comment S -j NOTRACK"),
    ("raw", "OUTPUT", "-d IP/32 -p tcp -m tcp --dport 8080 -m comment --comment S -j NOTRACK"),
    ("raw", "OUTPUT", "-d IP/32 -p udp -m udp --dport 53{gate} -m comment --comment S -j NOTRACK"),
    ("raw", "OUTPUT", "-d IP/32 -p tcp -m tcp --dport 53{gate} -m comment --comment S -j NOTRACK"),
    ("raw", "OUTPUT", "-s IP/32 -p udp -m udp --sport 53 -m comment --comment S -j NOTRACK"),
    ("raw", "OUTPUT", "-s IP/32 -p tcp -m tcp --sport 53 -m comment --comment S -j NOTRACK"),
    ("filter", "INPUT", "-d IP/32 -p udp -m udp --dport 53 -m comment --comment A -j ACCEPT"),
    ("filter", "INPUT", "-d IP/32 -p tcp -m tcp --dport 53 -m comment --comment A -j ACCEPT"),
    ("filter", "OUTPUT", "-s IP/32 -p udp -m udp --sport 53 -m comment --comment A -j ACCEPT"),
    ("filter", "OUTPUT", "-s IP/32 -p tcp -m tcp --sport 53 -m comment --comment A -j ACCEPT"),
)
GATE = " -m set --match-set nodens-4 dst"


def listing(gate: str = "") -> dict[str, list[str]]:
    """What `iptables -S` shows of the twelve of each address."""
    told = {table: list(policies) for table, policies in NO_RULES.items()}
    for chain_wanted in ("PREROUTING", "INPUT", "OUTPUT"):
        for address in ("10.96.0.10", "169.254.20.10"):
            for table, chain, text in TWELVE:
                if chain == chain_wanted:
                    spelled = text.format(gate=gate).replace("IP/", f"{address}/")
                    spelled = spelled.replace("comment S", f'comment "{SKIP}"').replace(
                        "comment A", f'comment "{ALLOW}"'
                    )
                    told[table].append(f"-A {chain} {spelled}")
    return told


@pytest.fixture
def told(boot: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    return boot("whole.py")


@pytest.mark.parametrize("when", ["serve_and_end", "start_over_left_overs"], ids=["first start", "over left-overs"])
def test_a_start_makes_the_seeds_link_and_the_twelve_once_without_a_gap(told: dict[str, Any], when: str) -> None:
    now = told[when]
    first, *rest = now["addresses"].splitlines()
    print(f"{when}: steered {now['steered_s']:.1f} s after start")  # noqa: T201 - a figure
    assert first.split(": ", 1)[1].startswith(
        "nodelocaldns: <BROADCAST,NOARP> mtu 1500 qdisc noop state DOWN group default"
    )
    shown = [line.strip() for line in rest if " inet " in line]
    assert sorted(shown) == [
        "inet 10.96.0.10/32 scope global nodelocaldns",
        "inet 169.254.20.10/32 scope global nodelocaldns",
    ]
    assert now["rules"] == listing(GATE)
    assert now["steered_s"] < 15  # the original takes 60 s more


def test_the_engine_serves_in_that_kernel_over_udp_and_tcp(told: dict[str, Any]) -> None:
    first = told["serve_and_end"]
    print(f"{first['threads']} threads; {first['story']}")  # noqa: T201 - a figure
    assert first["before"] == "1.1.1.1"
    assert first["answers"] == ["2.2.2.2"] * 4
    assert "rung 4: iptables rules whose gate empties when beats stop, a dummy link" in first["said"]


def test_sigterm_loses_nothing_and_leaves_nothing(told: dict[str, Any]) -> None:
    first = told["serve_and_end"]
    assert first["code"] == 0
    assert first["lost"] == 0
    assert first["by"]["node"] > 50
    assert first["by"]["cluster"] > 0
    assert first["rules_after"] == NO_RULES
    assert first["traces"] == []
    assert first["after"] == "1.1.1.1"


LEFT = [
    "iptables-legacy: 12 rules of 10.96.0.10",
    "iptables-legacy: 12 rules of 169.254.20.10",
    "ipset nodens-4",
    "link nodelocaldns (dummy, 169.254.20.10, 10.96.0.10)",
]


def test_after_sigkill_cluster_dns_answers_though_rules_stay(told: dict[str, Any]) -> None:
    killed = told["be_killed"]
    print(f"cluster DNS {killed['cluster_after_s']:.2f} s after SIGKILL; {killed['story']}")  # noqa: T201 - a figure
    assert killed["cluster_after_s"] < 3
    assert killed["rules"] == listing(GATE)
    assert killed["traces"] == LEFT


def test_a_start_over_left_overs_serves_and_release_cleans_up_after_its_death(told: dict[str, Any]) -> None:
    again = told["start_over_left_overs"]
    assert again["answer"] == "2.2.2.2"
    assert [line.strip() for line in again["release"].splitlines() if "removed" in line] == [
        f"{what}: removed" for what in LEFT
    ]
    assert NOTHING in again["release_again"]
    assert again["rules_after"] == NO_RULES


def test_skipteardown_leaves_the_originals_rules_until_release(told: dict[str, Any]) -> None:
    left = told["leave_all"]
    assert "rung 5" in left["said"]
    assert left["rules"] == listing()
    assert left["code"] == 0
    assert left["rules_after"] == listing()
    assert left["release"].count(": removed") == 3
    assert left["traces"] == []


def test_a_dummy_of_a_dead_agent_is_replaced_by_a_tun_that_goes_with_us(told: dict[str, Any]) -> None:
    """It was used once, and stayed after a SIGKILL, while log and gauge said tun."""
    now = told["replace_the_dummy_of_a_dead_one"]
    assert "rung 4: iptables rules whose gate empties when beats stop, a tun link" in now["said"]
    assert "tun type tun" in now["link"]
    assert 'nodens_steering_rung{link="tun",rules="iptables"} 4' in now["gauge"]
    assert "does not exist" in now["left"]


def test_a_dummy_of_a_living_agent_is_used_and_said(told: dict[str, Any]) -> None:
    now = told["use_the_dummy_of_a_living_one"]
    why = "not tun: nodelocaldns is there as a dummy, and somebody serves 169.254.20.10"
    assert "rung 4: iptables rules whose gate empties when beats stop, a dummy link" in now["said"]
    assert why in now["said"]
    assert " dummy " in now["link"]
    assert 'nodens_steering_rung{link="dummy",rules="iptables"} 4' in now["gauge"]
    assert "nodelocaldns" in now["left"]
