"""Somebody takes our rules again and again, or steers the same addresses in another way: no fight without end."""
# ruff: noqa: T201 - figures are printed, for those who run it with -s

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from threading import Event

import pytest
from node_cache_rules import rules_of
from node_life import ADDRESSES, Load, Program, in_namespace
from small_world import World

pytestmark = pytest.mark.netns

Start = Callable[..., Program]
Begin = Callable[..., Load]
STEERED = r"^\[INFO\] steering: "
SYNC = "-syncinterval=1s"
RIVAL = "while :; do iptables-nft -t raw -F; sleep 0.05; done"
QUERY = "-d 10.96.0.10/32 -p udp -m udp --dport 53"


def queries(world: World) -> dict[bool, int]:
    """Count the rules that steer UDP to the service's address, gated and not."""
    rules = [rule for rule in rules_of(world) if QUERY in rule and "NOTRACK" in rule]
    return {is_gated: sum(("--match-set" in rule) is is_gated for rule in rules) for is_gated in (True, False)}


def test_two_agents_of_different_rungs_live_beside_each_other(node: World, start: Start, load: Begin) -> None:
    """Each once deleted the other's rules as too many, four times a second."""
    gated = start(node, "-steering=iptables", SYNC)
    gated.until(STEERED)
    assert "rung 4" in gated.said
    ungated = start(node, "-steering=iptables", "-skipteardown", "-takeover", "-interfacename=other", SYNC)
    ungated.until(STEERED)
    assert "rung 5" in ungated.said
    gated.until(r"rules beside ours would keep pods from cluster DNS when we are gone .*: another process serves")
    Event().wait(3)
    assert queries(node) == {True: 2, False: 2}
    said = [len(re.findall("^\\[INFO\\] Added back", each.said, re.MULTILINE)) for each in (gated, ungated)]
    print(f"two rungs beside each other, three seconds: {said} repairs")
    assert sum(said) <= 2
    ungated.send(signal.SIGKILL)
    ungated.wait()
    gated.until(r"rules of a dead agent were removed|Added back nodelocaldns rule - \{IPv4 iptables \(0 missing")
    assert queries(node) == {True: 2, False: 0}
    pod = load(node)
    at = gated.send(signal.SIGKILL)
    Event().wait(3.5)
    story = pod.end()
    assert story.first_by("cluster", at) < 3


def test_two_neighbours_that_are_stopped_together_both_end_well(node: World, start: Start, load: Begin) -> None:
    """What one had read, the other took away: it was called a failure."""
    one = start(node, "-steering=iptables")
    one.until(STEERED)
    other = start(node, "-steering=iptables", "-takeover", "-interfacename=other")
    other.until(STEERED)
    pod = load(node)
    Event().wait(0.3)
    one.send(signal.SIGTERM)
    at = other.send(signal.SIGTERM)
    assert (one.wait(), other.wait()) == (0, 0), f"{one.said}\n{other.said}"
    Event().wait(1)
    story = pod.end()
    print(f"two agents on rung 4 are stopped together: {story}")
    assert story.lost == []
    assert story.by("cluster", since=at) > 600
    assert rules_of(node) == []


def test_one_who_flushes_all_the_time_is_answered_more_slowly_and_named_once(node: World, start: Start) -> None:
    program = start(node, "-steering=iptables")
    program.until(STEERED)
    rival = in_namespace(node.node, "sh", "-c", RIVAL)
    try:
        program.until("somebody keeps removing IPv4 iptables")
        Event().wait(3)
        node.on_node("ip", "link", "del", "nodelocaldns")
        program.until("Added interface - nodelocaldns", times=2)  # without it pods have no DNS: as fast as before
    finally:
        rival.kill()
        rival.communicate()
    assert program.said.count("somebody keeps removing") == 1
    assert program.said.count("Added back nodelocaldns rule") == 3
    page = node.on_node("curl", "-s", "http://127.0.0.1:9353/metrics")
    count = re.search(r'^nodens_steering_repairs_total\{part="rules"\} (\d+)', page, re.MULTILINE)
    assert count, page
    print(f"flushed every 50 ms: {count[1]} repairs")
    assert 4 <= int(count[1]) <= 7
    assert all(address in node.on_node("ip", "addr", "show", "nodelocaldns") for address in ADDRESSES)
