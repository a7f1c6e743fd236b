"""What somebody takes away is noticed by the kernel's events and put back once; what is owned cannot be taken."""
# ruff: noqa: T201 - figures are printed, for those who run it with -s

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest
from small_world import BORROWED, World, inside, plan_of, run, rung

from nodens import network
from nodens.network import Touched

pytestmark = pytest.mark.netns

_SAID = ("-m", "comment", "--comment", "NodeLocal DNS Cache: skip conntrack", "-j", "NOTRACK")
ELSEWHERE = ("-d", "192.0.2.9", "-p", "udp", "--dport", "53", *_SAID)
ELSEWHERE6 = ("-d", "2001:db8::9", "-p", "udp", "--dport", "53", *_SAID)

LINK_GONE = ("ip", "link", "del", "nodelocaldns")
ADDRESS_GONE = ("ip", "addr", "del", BORROWED[0] + "/32", "dev", "nodelocaldns")
V6_GONE = ("ip", "addr", "del", BORROWED[1] + "/128", "dev", "nodelocaldns")
UDP_TO_US = ("-p", "udp", "-d", "10.96.0.10", "--dport", "53", "-j", "NOTRACK")
RAW_MISSING = "IPv4 iptables (16 missing, 0 too many)"
RAW_GONE = ("iptables-nft", "-t", "raw", "-F")
ALL_GONE = ("nft", "delete", "table", "inet", f"nodens-t{os.getpid()}")


@pytest.mark.parametrize(
    ("wanted", "harm", "touched", "told"),
    [
        pytest.param(rung(), LINK_GONE, Touched.LINK, "nodelocaldns", id="the link is deleted"),
        pytest.param(rung(), ADDRESS_GONE, Touched.LINK, BORROWED[0], id="an address is removed"),
        pytest.param(rung(), V6_GONE, Touched.LINK, BORROWED[1], id="an IPv6 address is removed"),
        pytest.param(rung("iptables", "nothing"), RAW_GONE, Touched.RULES, RAW_MISSING, id="raw is flushed"),
        pytest.param(rung("iptables", "timeout"), RAW_GONE, Touched.RULES, RAW_MISSING, id="gated raw is flushed"),
        pytest.param(
            rung(accepts=True),
            ("iptables-nft", "-F"),
            Touched.RULES,
            "IPv4 iptables (8 missing, 0 too many)",
            id="the ACCEPT rules beside an owned table are flushed",
        ),
        pytest.param(rung(let_go="timeout"), ALL_GONE, Touched.RULES, "raw-prerouting", id="a table is deleted"),
    ],
)
def test_what_is_taken_away_is_noticed_and_put_back_within_a_second(
    world: World, wanted: network.Rung, harm: tuple[str, ...], touched: Touched, told: str
) -> None:
    plan = plan_of(wanted)
    with inside(world.node), network.holding(plan) as link, network.steering(plan, link) as steered:
        for address in BORROWED:
            world.serve(world.node, address, b"node")
        with steered.watch() as watch:
            watch.touched()
            run(*harm)
            start = time.monotonic()
            assert touched in watch.wait(1.0)
            assert any(told in what for what in steered.missing())
            assert any(told in what for what in steered.repair())
            took_s = time.monotonic() - start
        print(f"{' '.join(harm)}: noticed and put back in {took_s * 1000:.0f} ms")
        assert took_s < 1
        assert steered.missing() == ()
        assert steered.repair() == ()
        for address in BORROWED:
            assert world.ask(address) == "node"
    with inside(world.node):
        assert network.release().found == []


@pytest.mark.parametrize(
    ("wanted", "harm", "told"),
    [
        pytest.param(rung("iptables", "timeout"), ("iptables-legacy", "-t", "raw", "-F"), RAW_MISSING, id="raw"),
        pytest.param(
            rung("iptables", "nothing"),
            ("ip6tables-legacy", "-t", "raw", "-D", "PREROUTING", "1"),
            "IPv6 iptables (1 missing, 0 too many)",
            id="one rule of IPv6",
        ),
        pytest.param(
            rung(accepts=True), ("iptables-legacy", "-F"), "IPv4 iptables (8 missing, 0 too many)", id="ACCEPT rules"
        ),
        pytest.param(
            rung("iptables", "nothing"),
            ("iptables-legacy", "-t", "raw", "-R", "PREROUTING", "1", *ELSEWHERE),
            "IPv4 iptables (1 missing, 0 too many)",
            id="another rule of the same size in its place",
        ),
        pytest.param(
            rung("iptables", "nothing"),
            ("ip6tables-legacy", "-t", "raw", "-R", "PREROUTING", "1", *ELSEWHERE6),
            "IPv6 iptables (1 missing, 0 too many)",
            id="the same of IPv6",
        ),
    ],
)
def test_legacy_iptables_sends_no_events_and_is_noticed_all_the_same(
    make_world: Callable[[str], World], wanted: network.Rung, harm: tuple[str, ...], told: str
) -> None:
    """It was found at the next interval only, 60 s by default."""
    world = make_world("legacy")
    plan = plan_of(wanted)
    with inside(world.node), network.holding(plan) as link, network.steering(plan, link) as steered:
        with steered.watch() as watch:
            assert watch.wait(0.6) == frozenset()
            run(*harm)
            start = time.monotonic()
            assert watch.wait(1.0) == {Touched.RULES}
            assert steered.repair({Touched.RULES}) == (told,)
            took_s = time.monotonic() - start
            assert took_s < 1
            watch.touched()  # what we put back is a change, too
            assert watch.touched() == frozenset()
        print(f"{' '.join(harm)}: noticed and put back in {took_s * 1000:.0f} ms")
        assert steered.missing() == ()


def test_counters_of_legacy_iptables_that_move_are_no_change(make_world: Callable[[str], World]) -> None:
    world = make_world("legacy")
    plan = plan_of(rung("iptables", "nothing"))
    counted = ("iptables-legacy", "-t", "raw", "-nvxL", "PREROUTING")
    with inside(world.node), network.holding(plan) as link, network.steering(plan, link) as steered:
        world.serve(world.node, BORROWED[0], b"node")
        with steered.watch() as watch:
            before = world.on_node(*counted)
            assert world.ask(BORROWED[0]) == "node"
            assert world.on_node(*counted) != before
            assert watch.wait(1.2) == frozenset()


def test_flushes_of_everything_leave_an_owned_table_alone(world: World) -> None:
    plan = plan_of(rung())
    with inside(world.node), network.holding(plan) as link, network.steering(plan, link) as steered:
        world.serve(world.node, BORROWED[0], b"node")
        run("nft", "flush", "ruleset")
        for tool in ("iptables-nft", "iptables-legacy"):
            run(tool, "-F")
            run(tool, "-t", "raw", "-F")
        refusal = world.on_node("nft", "delete", "table", "inet", plan.table_name, check=False)
        assert "Operation not permitted" in refusal
        assert steered.missing() == ()
        assert world.ask(BORROWED[0]) == "node"


def test_nothing_happens_on_beats_and_on_other_peoples_rules(world: World) -> None:
    plan = plan_of(rung(let_go="timeout"))
    held = network.holding(plan)
    with inside(world.node), held as link, network.steering(plan, link) as steered, steered.watch() as watch:
        watch.touched()
        steered.beat()
        run("iptables-nft", "-t", "mangle", "-A", "INPUT", "-d", "192.0.2.1", "-j", "ACCEPT")
        run("iptables-nft", "-t", "mangle", "-F")
        run("ip", "addr", "add", "192.0.2.1/32", "dev", "lo")
        assert watch.touched() == frozenset()


def test_a_rule_that_was_inserted_again_and_again_is_brought_down_to_one(world: World) -> None:
    """Some versions of iptables answer a check wrongly, and node-cache then inserted without end."""
    plan = plan_of(rung("iptables", "nothing"))
    again = ("iptables-nft", "-t", "raw", "-I", "PREROUTING", *UDP_TO_US)
    comment = ("-m", "comment", "--comment", "NodeLocal DNS Cache: skip conntrack")
    with inside(world.node), network.holding(plan) as link, network.steering(plan, link) as steered:
        for _ in range(5):
            run(*again, *comment)
        assert steered.missing() == ("IPv4 iptables (0 missing, 5 too many)",)
        assert steered.repair() == ("IPv4 iptables (0 missing, 5 too many)",)
        listed = world.on_node("iptables-nft", "-t", "raw", "-S", "PREROUTING").splitlines()
        assert len(listed) == 1 + 4
        assert len(set(listed)) == len(listed)


def test_an_ungated_rule_of_a_dead_node_cache_is_replaced_by_the_gated_one(world: World) -> None:
    """Left beside ours it would steer on while we hang."""
    for words in (("-p", "udp"), ("-p", "tcp")):
        rest = ["-d", "10.96.0.10", "--dport", "53", "-j", "NOTRACK", "-m", "comment", "--comment"]
        world.on_node(
            "iptables-nft", "-t", "raw", "-I", "PREROUTING", *words, *rest, "NodeLocal DNS Cache: skip conntrack"
        )
    plan = plan_of(rung("iptables", "timeout"))
    with inside(world.node), network.holding(plan) as link, network.steering(plan, link) as steered:
        listed = world.on_node("iptables-nft", "-t", "raw", "-S", "PREROUTING").splitlines()[1:]
        assert len(listed) == 4
        assert all("--match-set nodens-4 dst" in line for line in listed)
        assert steered.clear_away().removed_kinds == ["iptables: 2 rules without a gate, replaced by ours"]
        assert steered.clear_away() == network.Leftovers()


def test_the_order_of_rules_is_the_originals_newest_first(make_world: Callable[[str], World]) -> None:
    world = make_world("legacy")
    plan = plan_of(rung("iptables", "nothing"), own_addresses=("169.254.20.10",), borrowed_addresses=("10.96.0.10",))
    with inside(world.node), network.holding(plan) as link, network.steering(plan, link):
        listed = [line for line in world.on_node("iptables-legacy", "-S", "INPUT").splitlines() if "--dport 53" in line]
        assert [line.split()[3] + " " + line.split()[5] for line in listed] == [
            "10.96.0.10/32 udp",
            "10.96.0.10/32 tcp",
            "169.254.20.10/32 udp",
            "169.254.20.10/32 tcp",
        ]
        assert world.on_node("iptables-nft-save") == "", "where the node uses legacy, nothing is put into nft"
