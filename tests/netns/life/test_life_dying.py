"""The program dies, hangs, stops: what its pods notice under load. Figures are printed; run with -s to see them."""
# ruff: noqa: T201 - figures are printed, for those who run it with -s

from __future__ import annotations

import signal
from collections.abc import Callable
from threading import Event

import pytest
from node_life import Load, Program
from small_world import World, inside

from nodens import network

pytestmark = pytest.mark.netns

Start = Callable[..., Program]
Begin = Callable[..., Load]
STEERED = r"^\[INFO\] steering: "


def spend(seconds: float) -> None:
    """Let the load go on for a while; there is no event to wait for."""
    Event().wait(seconds)


def test_sigkill_costs_pods_less_than_a_tenth_of_a_second(node: World, start: Start, load: Begin) -> None:
    program = start(node)
    program.until(STEERED)
    assert "rung 1" in program.said
    pod = load(node)
    spend(1)
    at = program.send(signal.SIGKILL)
    spend(1)
    story = pod.end()
    print(f"SIGKILL: {story}; cluster DNS answered {story.first_by('cluster', at) * 1000:.0f} ms after it")
    assert story.by("node", until=at) > 900
    assert story.by("node", since=at + 0.1) == 0
    assert story.by("cluster", since=at) > 800
    assert story.gap_ms <= 100
    with inside(node.node):
        assert network.release().found == []


def test_rules_that_stay_leave_the_pods_without_dns(node: World, start: Start, load: Begin) -> None:
    """The original's design under the same load: the outage that the rungs above it do not have."""
    program = start(node, "-steering=iptables", "-skipteardown")
    program.until(STEERED)
    assert "rules that stay" in program.said
    pod = load(node)
    spend(1)
    at = program.send(signal.SIGKILL)
    spend(2)
    story = pod.end()
    print(f"SIGKILL with rules that stay: {story}")
    assert story.by("cluster", since=at) == 0
    assert story.gap_ms > 1500


def test_sigstop_gives_the_pods_to_cluster_dns_and_sigcont_takes_them_back(
    node: World, start: Start, load: Begin
) -> None:
    program = start(node)
    program.until(STEERED)
    pod = load(node)
    spend(1)
    at = program.send(signal.SIGSTOP)
    spend(4)
    back = program.send(signal.SIGCONT)
    spend(3)
    story = pod.end()
    print(
        f"SIGSTOP: {story}; cluster DNS after {story.first_by('cluster', at):.1f} s, "
        f"the node again {story.first_by('node', back):.1f} s after SIGCONT"
    )
    assert story.first_by("cluster", at) <= 3
    assert story.by("cluster", since=at + 3, until=back) > 800
    assert story.by("node", since=back + 2) > 800
    assert story.by("silence", since=back) == 0


def test_sigterm_loses_no_query(node: World, start: Start, load: Begin) -> None:
    program = start(node)
    program.until(STEERED)
    pod = load(node)
    spend(1)
    at = program.send(signal.SIGTERM)
    assert program.wait() == 0
    spend(1)
    story = pod.end()
    print(f"SIGTERM: {story}")
    assert "[INFO] Tearing down" in program.said
    assert story.by("node", until=at) > 900
    assert story.by("cluster", since=at) > 800
    assert story.lost == []
    with inside(node.node):
        assert network.release().found == []
