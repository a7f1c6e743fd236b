"""One program after the other on the same addresses: what is handed over, what is shared, what is refused."""
# ruff: noqa: T201 - figures are printed, for those who run it with -s

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from threading import Event

import pytest
from node_life import Load, Program
from small_world import World, inside

from nodens import network
from nodens.lifecycle import handover

pytestmark = pytest.mark.netns

Start = Callable[..., Program]
Begin = Callable[..., Load]
STEERED = r"^\[INFO\] steering: "


def test_a_second_agent_names_the_first_and_exits(node: World, start: Start) -> None:
    first = start(node)
    first.until(STEERED)
    second = start(node)
    assert second.wait() == 1
    assert f"169.254.20.10:53: cannot start beside it: nodens 0.1.0 (pid {first.pid}) serves it already" in second.said
    assert "hint: -takeover" in second.said
    first.send(signal.SIGTERM)
    assert first.wait() == 0


def sum_of(page: str, name: str) -> float:
    """Add up a metric family."""
    return sum(float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(name + "{"))


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_ten_replacements_in_a_row_lose_no_query_and_keep_the_cache(node: World, start: Start, load: Begin) -> None:
    running = start(node)
    running.until(STEERED)
    pod = load(node)
    hits = []
    for _ in range(10):
        Event().wait(1.5)
        before, running = running, start(node, "-takeover")
        running.until(STEERED)
        assert before.wait() == 0
        hits += [line for line in running.said.splitlines() if "cache entries came" in line]
    Event().wait(3)
    story = pod.end()
    page = node.on_node("curl", "-s", "http://127.0.0.1:9353/metrics")
    served, missed = (sum_of(page, name) for name in ("coredns_dns_requests_total", "coredns_cache_misses_total"))
    print(
        f"ten replacements: {story}; the last process answered {served:,.0f}, {missed:.0f} of them not from its cache"
    )
    print("\n".join(hits))
    assert served > 2_000
    assert missed <= 100
    assert len(hits) == 10
    assert all(" 8 sockets and " in line and " 0 cache entries" not in line for line in hits)
    assert len(story.rows) >= 20_000
    assert story.lost == []
    assert story.by("node") == len(story.rows)


def test_in_a_pod_the_old_one_waits_to_be_stopped(node: World, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ends there is started again by the kubelet, and would take over in turn."""
    monkeypatch.setenv("NODENS_TEST_ENVIRONMENT", "KUBERNETES_SERVICE_HOST=10.96.0.1")
    first = start(node)
    first.until(STEERED)
    second = start(node, "-takeover")
    second.until(STEERED)
    first.until("handed over: waiting to be stopped")
    assert not first.is_gone()
    first.send(signal.SIGTERM)
    assert first.wait() == 0
    assert node.on_node("ip", "link", "show", "nodelocaldns")


def test_without_a_hand_over_both_serve_until_one_is_stopped(node: World, start: Start, load: Begin) -> None:
    """Another interface's name is another way of steering: nothing fits, so the ports are shared."""
    first = start(node)
    first.until(STEERED)
    pod = load(node)
    second = start(node, "-takeover", "-interfacename=other")
    second.until(STEERED)
    assert "hands nothing over: it steers in another way; both serve until it is stopped" in second.said
    first.until("lives beside us now")
    Event().wait(0.5)
    first.send(signal.SIGTERM)
    assert first.wait() == 0
    Event().wait(1)
    story = pod.end()
    print(f"two side by side, one leaves: {story}")
    assert story.lost == []
    second.send(signal.SIGTERM)
    assert second.wait() == 0
    with inside(node.node):
        assert network.release().found == []


def test_a_neighbour_that_died_is_no_reason_to_leave_rules_behind(node: World, start: Start) -> None:
    first = start(node, "-steering=iptables")
    first.until(STEERED)
    second = start(node, "-steering=iptables", "-takeover", "-interfacename=other")
    second.until(STEERED)
    first.until("lives beside us now")
    second.send(signal.SIGKILL)
    second.wait()
    first.send(signal.SIGTERM)
    assert first.wait() == 0
    assert "skip conntrack" not in node.on_node("iptables-nft-save", "-t", "raw")


def test_a_holder_that_does_not_share_is_named_even_to_a_takeover(node: World, start: Start) -> None:
    node.on_node("ip", "addr", "add", "169.254.20.10/32", "dev", "lo")
    holder = node.serve(node.node, "169.254.20.10", b"x")
    program = start(node, "-takeover")
    assert program.wait() == 1
    node.stop(holder)
    assert "; shared with it, as -takeover asks" in program.said
    assert re.search(r"169\.254\.20\.10:53/udp: cannot bind: address in use \(pid \d+, `", program.said)
    assert "\n169.254.20.10:53/udp: cannot bind: address already in use\n" in program.said


def test_a_state_that_is_not_known_is_refused_politely(
    node: World, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start(node)
    first.until(STEERED)
    monkeypatch.setattr(handover, "STATE", 2)
    with inside(node.node):
        before = handover.meet(handover.door_name("169.254.20.10", 53))
        assert before
        before.borrow()
    assert before.estate is None
    assert before.refusal == "state [2] is not known to nodens 0.1.0, which knows 1"
    before.live_beside()
    first.until(r"nodens 0.1.0 \(pid \d+\) lives beside us now")


def test_a_replacement_loses_no_query(node: World, start: Start, load: Begin) -> None:
    first = start(node)
    first.until(STEERED)
    pod = load(node)
    Event().wait(0.5)
    second = start(node, "-takeover")
    second.until(STEERED)
    assert first.wait() == 0
    Event().wait(0.5)
    story = pod.end()
    print(f"one replacement: {story}")
    print(second.said[second.said.index("[INFO]", 400) :])
    assert f"took over from pid {first.pid}" in second.said
    assert "handed over to nodens 0.1.0" in first.said
    assert story.by("node") == len(story.rows)
    second.send(signal.SIGTERM)
    assert second.wait() == 0
    with inside(node.node):
        assert network.release().found == []
