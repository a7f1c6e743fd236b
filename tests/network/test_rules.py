"""The twelve rules per address, and their two spellings."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from nodens import network
from nodens.network.rules import SHAPES, Target, gated, shape, specification

RUNG = network.Rung(
    number=1,
    spelling=network.Spelling.NFT,
    let_go=network.LetGo.OWNER_AND_TIMEOUT,
    link=network.LinkKind.TUN,
    accepts_by_iptables=False,
    reason="the test's",
)


def plan_of(*addresses: str, port: int = 53, health_port: int = 8080) -> network.SteeringPlan:
    return network.SteeringPlan(
        own_addresses=addresses[:1],
        borrowed_addresses=addresses[1:],
        rung=RUNG,
        instance="test",
        port=port,
        health_port=health_port,
    )


SKIP = '-m comment --comment "NodeLocal DNS Cache: skip conntrack"'
ALLOW = '-m comment --comment "NodeLocal DNS Cache: allow DNS traffic"'


@pytest.mark.parametrize(
    ("row", "wanted"),
    list(
        enumerate(
            (
                f"raw PREROUTING -p tcp -d 10.96.0.10/32 --dport 53 -j NOTRACK {SKIP}",
                f"raw PREROUTING -p udp -d 10.96.0.10/32 --dport 53 -j NOTRACK {SKIP}",
                f"filter INPUT -p tcp -d 10.96.0.10/32 --dport 53 -j ACCEPT {ALLOW}",
                f"filter INPUT -p udp -d 10.96.0.10/32 --dport 53 -j ACCEPT {ALLOW}",
                f"raw OUTPUT -p tcp -s 10.96.0.10/32 --sport 53 -j NOTRACK {SKIP}",
                f"raw OUTPUT -p udp -s 10.96.0.10/32 --sport 53 -j NOTRACK {SKIP}",
                f"filter OUTPUT -p tcp -s 10.96.0.10/32 --sport 53 -j ACCEPT {ALLOW}",
                f"filter OUTPUT -p udp -s 10.96.0.10/32 --sport 53 -j ACCEPT {ALLOW}",
                f"raw OUTPUT -p tcp -d 10.96.0.10/32 --dport 53 -j NOTRACK {SKIP}",
                f"raw OUTPUT -p udp -d 10.96.0.10/32 --dport 53 -j NOTRACK {SKIP}",
                f"raw OUTPUT -p tcp -d 10.96.0.10/32 --dport 8080 -j NOTRACK {SKIP}",
                f"raw OUTPUT -p tcp -s 10.96.0.10/32 --sport 8080 -j NOTRACK {SKIP}",
            )
        )
    ),
)
def test_each_row_is_spelled_as_the_original_spells_it(row: int, wanted: str) -> None:
    rule = network.rules_of(plan_of("10.96.0.10"))[row]
    assert f"{rule.table} {rule.chain} {specification(rule)}" == wanted


def test_every_address_has_its_twelve_in_the_plans_order_and_both_families_stand_in_one_list() -> None:
    plan = plan_of("169.254.20.10", "10.96.0.10", "FD00:96:0::A", "10.96.0.10")
    rules = network.rules_of(plan)
    assert [rule.address for rule in rules[::12]] == ["169.254.20.10", "10.96.0.10", "fd00:96::a"]
    assert len(rules) == 36
    assert {rule.family for rule in rules[24:]} == {6}


def test_ports_follow_the_flags() -> None:
    rules = network.rules_of(plan_of("10.96.0.10", port=5353, health_port=9080))
    assert {rule.port for rule in rules[:10]} == {5353}
    assert {rule.port for rule in rules[10:]} == {9080}


def test_only_what_points_queries_at_us_is_gated() -> None:
    rules = gated(network.rules_of(plan_of("10.96.0.10", "fd00::a")))
    with_gate = [number % 12 + 1 for number, rule in enumerate(rules) if rule.gate]
    assert with_gate == [1, 2, 9, 10] * 2
    assert {rule.gate for rule in rules if rule.gate} == {"nodens-4", "nodens-6"}
    assert specification(rules[0]) == (
        f"-p tcp -d 10.96.0.10/32 --dport 53 -m set --match-set nodens-4 dst -j NOTRACK {SKIP}"
    )


def test_every_rule_has_one_of_the_known_shapes() -> None:
    assert {shape(rule) for rule in network.rules_of(plan_of("10.96.0.10"))} == SHAPES


def test_one_transaction_holds_both_tables_deletions_first(golden: Callable[[str, str], None]) -> None:
    plan = plan_of("169.254.20.10", "10.96.0.10")
    gone = network.rules_of(plan_of("192.0.2.1"))[0]
    text = network.restore_text(network.rules_of(plan), [(gone.table, f"{gone.chain} {specification(gone)}")])
    golden("network/iptables-restore.txt", text)
    assert re.findall(r"^(\*\w+|COMMIT)$", text, re.MULTILINE) == ["*raw", "COMMIT", "*filter", "COMMIT"]


def test_nothing_to_do_is_no_transaction() -> None:
    assert network.restore_text(()) == ""


def test_the_nft_table_stands_in_a_golden_file(golden: Callable[[str, str], None]) -> None:
    plan = plan_of("169.254.20.10", "10.96.0.10", "fd00:96::a")
    golden("network/table.nft", network.nft_text(network.nft_table(plan, has_owner=True, hold_ms=2000)))


@pytest.mark.parametrize(
    ("addresses", "count"),
    [
        pytest.param(("10.96.0.10",), 12, id="one address"),
        pytest.param(("169.254.20.10", "10.96.0.10"), 12, id="two of one family share each rule"),
        pytest.param(("10.96.0.10", "fd00::a"), 24, id="both families"),
    ],
)
def test_addresses_of_a_family_share_their_rules_in_nft(addresses: tuple[str, ...], count: int) -> None:
    table = network.nft_table(plan_of(*addresses), has_owner=False, hold_ms=None)
    assert len(table.rules) == count
    assert {rule.comment for rule in table.rules if rule.target is Target.ACCEPT} == {
        "NodeLocal DNS Cache: allow DNS traffic"
    }


def test_our_table_is_never_iptables_own() -> None:
    """A rule of nft's own kind in `raw` or `filter` makes `iptables -S` fail for everybody on the node."""
    text = network.nft_text(network.nft_table(plan_of("10.96.0.10"), has_owner=True, hold_ms=1))
    assert re.findall(r"^table .*$", text, re.MULTILINE) == ["table inet nodens-test {"]
