"""`release` finds what a dead node-cache or nodens left, removes it, and leaves alone what lives or is not ours."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from node_cache_rules import SKIP, insert_as_node_cache, rules_of
from small_world import BORROWED, OWN, PACKAGE, Holder, World, inside, plan_of, run, rung

from nodens import network
from nodens.errors import NetworkError
from nodens.network import ipset

pytestmark = pytest.mark.netns


def test_on_an_empty_node_nothing_is_found_and_nothing_is_changed(world: World) -> None:
    before = world.on_node("nft", "list", "ruleset")
    with inside(world.node):
        for _ in range(2):
            told = network.release()
            assert told.found == []
            assert told.is_clean
    assert world.on_node("nft", "list", "ruleset") == before


@pytest.mark.parametrize("flavour", ["nft", "legacy"])
def test_what_a_dead_node_cache_left_is_removed_duplicates_too(
    make_world: Callable[[str], World], flavour: str
) -> None:
    world = make_world(flavour)
    insert_as_node_cache(world, flavour, OWN[0])
    insert_as_node_cache(world, flavour, BORROWED[0], times=3)
    insert_as_node_cache(world, flavour, BORROWED[1])
    run("ip", "-n", world.node, "tuntap", "add", "nodelocaldns", "mode", "tun")  # persists, as a dummy does
    run("ip", "-n", world.node, "addr", "add", BORROWED[0], "dev", "nodelocaldns")
    assert world.ask(BORROWED[0], wait_s=0.1) == "silence"
    with inside(world.node):
        told = network.release()
        assert {str(trace) for trace in told.found} == {
            f"iptables-{flavour}: 12 rules of {OWN[0]}: removed",
            f"iptables-{flavour}: 36 rules of {BORROWED[0]}: removed",
            f"ip6tables-{flavour}: 12 rules of {BORROWED[1]}: removed",
            f"link nodelocaldns (tun, {BORROWED[0]}): removed",
        }
        assert told.is_clean
        assert network.release().found == []
    assert rules_of(world) == []
    assert world.ask(BORROWED[0]) == "cluster"


def test_where_nobody_can_be_seen_everything_stays_unless_forced(world: World) -> None:
    """It once took "cannot see" for "nobody", and a living agent's rules."""
    insert_as_node_cache(world, "nft", BORROWED[0])
    world.serve(world.node, BORROWED[0], b"node")
    hide = 'mount -t proc -o subset=pid proc /proc && exec "$@"'
    words = ("unshare", "-m", "--propagation", "private", "sh", "-c", hide, "-")
    blind = (*words, "env", f"PYTHONPATH={PACKAGE}", sys.executable, str(Path(__file__).with_name("blind.py")))
    assert world.on_node(*blind) == (
        f"iptables-nft: 12 rules of {BORROWED[0]}: kept: whether an agent lives cannot be seen "
        "(port 53: cannot see who serves: sock_diag: operation not permitted; "
        "/proc/net/tcp: no such file or directory); `--force` removes it\n"
    )
    assert len(rules_of(world)) == 12
    assert world.on_node(*blind, "--force") == f"iptables-nft: 12 rules of {BORROWED[0]}: removed\n"
    assert rules_of(world) == []


def test_rules_and_links_of_others_stay_even_with_our_comment_or_our_name(world: World) -> None:
    theirs = (
        "iptables-nft -t raw -A PREROUTING -p udp -d 10.96.0.0/16 --dport 53 -j NOTRACK -m comment --comment",
        "iptables-nft -t filter -A INPUT -p udp ! -d 10.96.0.10 --dport 53 -j ACCEPT -m comment --comment",
    )
    for words in theirs:
        world.on_node(*words.split(), SKIP)
    world.on_node(
        *[
            "iptables-nft",
            "-t",
            "raw",
            "-A",
            "PREROUTING",
            "-p",
            "udp",
            "-d",
            "10.96.0.10",
            "--dport",
            "53",
            "-j",
            "NOTRACK",
        ]
    )
    run("ip", "-n", world.node, "link", "add", "nodelocaldns", "type", "bridge")
    before = world.on_node("iptables-nft-save").splitlines()
    with inside(world.node):
        told = network.release()
        assert [trace.kept for trace in told.found] == [
            "it has our comment, but it is not a rule we set",
            "it has our comment, but it is not a rule we set",
            "an agent's link is of kind dummy or tun",
        ]
        assert not told.is_clean
        after = world.on_node("iptables-nft-save").splitlines()
        assert [line for line in after if line[0] == "-"] == [line for line in before if line[0] == "-"]
        assert network.release(is_forced=True).found[-1].kept == ""
    assert "nodelocaldns" not in run("ip", "-n", world.node, "-br", "link")


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(rung(), id="an owned table"),
        pytest.param(rung("nft", "timeout"), id="a table without an owner"),
        pytest.param(rung("iptables", "timeout"), id="iptables with a gate"),
        pytest.param(rung("iptables", "nothing"), id="iptables"),
    ],
)
def test_what_a_living_agent_holds_is_kept_and_said(
    world: World, hold: Callable[..., Holder], wanted: network.Rung
) -> None:
    hold(world, plan_of(wanted))
    with inside(world.node):
        told = network.release()
        assert told.found
        assert all(trace.kept for trace in told.found), [str(trace) for trace in told.found]
    assert world.ask(BORROWED[0]) == "node"


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
@pytest.mark.parametrize(
    ("has_door", "told"),
    [
        pytest.param(
            False,
            "some process serves port 53 of all addresses, perhaps an agent; `--force` removes it",
            id="perhaps an agent",
        ),
        pytest.param(
            True, "a living process serves port 53 of all addresses, and an agent's door is open", id="an agent's door"
        ),
    ],
)
def test_a_socket_on_all_addresses_may_be_an_agents(world: World, address: str, told: str, *, has_door: bool) -> None:
    """A Corefile without `bind` gives such a socket; its rules once were removed while it lived."""
    insert_as_node_cache(world, "nft", BORROWED[0])
    server = world.serve(world.node, address, b"node")
    with inside(world.node), socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        if has_door:
            door.bind("\0nodens/169.254.20.10/53")
        assert [(trace.what, trace.kept) for trace in network.release().found] == [
            (f"iptables-nft: 12 rules of {BORROWED[0]}", told)
        ]
        assert network.release(is_forced=True).is_clean
    assert rules_of(world) == []
    world.stop(server)


def test_the_gate_of_an_agent_that_hangs_is_kept_with_its_rules(world: World, hold: Callable[..., Holder]) -> None:
    """Its gate is empty, so no address says whose it is; the rules do."""
    holder = hold(world, plan_of(rung("iptables", "timeout"), hold_ms=1_000))
    holder.tell("hush")
    world.wait_until(BORROWED[0], "cluster")
    with inside(world.node):
        told = network.release()
        with pytest.raises(NetworkError, match="nodens-4: cannot remove the ipset: a rule still refers to it"):
            ipset.remove("nodens-4")
    assert told.troubles == []
    assert {trace.what: trace.kept for trace in told.found}["ipset nodens-4"] == "rules of a living process refer to it"
    assert len(rules_of(world)) == 4 * 12
    holder.tell("beat")
    world.wait_until(BORROWED[0], "node")


def test_forced_it_takes_iptables_rules_from_a_living_agent(world: World, hold: Callable[..., Holder]) -> None:
    hold(world, plan_of(rung("iptables", "nothing")))
    with inside(world.node):
        assert network.release(is_forced=True).is_clean
        assert network.release().found == []
    assert rules_of(world) == []
    assert world.ask(BORROWED[0]) == "cluster"


def test_a_living_node_cache_on_a_link_that_stays_is_known_by_its_socket(world: World) -> None:
    insert_as_node_cache(world, "nft", BORROWED[0])
    run("ip", "-n", world.node, "tuntap", "add", "nodelocaldns", "mode", "tun")
    run("ip", "-n", world.node, "addr", "add", BORROWED[0], "dev", "nodelocaldns")
    server = world.serve(world.node, BORROWED[0], b"node")
    with inside(world.node):
        assert {trace.kept for trace in network.release().found} == {"a living process holds or serves 10.96.0.10:53"}
        world.stop(server)
        assert network.release().is_clean
