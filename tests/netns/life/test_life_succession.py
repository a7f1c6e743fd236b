"""A successor that fails, is slow, or dies: the one before it goes on, or the node is the successor's. Never deaf."""
# ruff: noqa: T201 - figures are printed, for those who run it with -s

from __future__ import annotations

import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from node_life import COREFILE, Load, Program
from small_world import World, inside

from nodens import network

pytestmark = pytest.mark.netns

Start = Callable[..., Program]
Begin = Callable[..., Load]
STEERED = r"^\[INFO\] steering: "
ONE_MORE = COREFILE + "\n.:5353 {\n    bind 127.0.0.1\n    forward . __PILLAR__UPSTREAM__\n}\n"
RUNGS = [pytest.param((), id="rung 1"), pytest.param(("-steering=iptables",), id="rung 4")]


def fate(kind: str, number: int = 0) -> tuple[str, ...]:
    """Start a program around which something happens; see fated.py."""
    return (sys.executable, str(Path(__file__).parent / "fated.py"), kind, str(number))


def held_on(node: World) -> str:
    """All that an agent holds on the node, without what counts and runs."""
    asked = (
        ("ip", "-o", "addr"),
        ("nft", "list", "ruleset"),
        ("iptables-nft-save",),
        ("ipset", "list"),
    )
    text = "".join(node.on_node(*words) for words in asked)
    text = re.sub(
        r" expires \w+| timeout \d+$|^References: .*|counter packets \d+ bytes \d+|\[\d+:\d+\]",
        "",
        text,
        flags=re.MULTILINE,
    )
    return "\n".join(sorted(line for line in text.splitlines() if not line.startswith("#")))


@pytest.mark.parametrize("flags", RUNGS)
@pytest.mark.parametrize("why", ["a taken port", "a bug"])
def test_a_successor_that_fails_changes_nothing_on_the_node(
    node: World, start: Start, load: Begin, flags: tuple[str, ...], why: str
) -> None:
    first = start(node, *flags)
    first.until(STEERED)
    pod = load(node)
    Event().wait(0.3)
    before, said = held_on(node), len(first.said)
    if why == "a bug":
        second = start(node, *flags, "-takeover", around=fate("bug", 2))
    else:
        holder = node.serve(node.node, "127.0.0.1", b"x", port=5353)
        second = start(node, *flags, "-takeover", corefile=ONE_MORE)
    assert second.wait() == 1
    if why == "a taken port":
        node.stop(holder)
        assert re.search(r"^127\.0\.0\.1:5353/udp: .*in use", second.said, re.MULTILINE)
    assert held_on(node) == before
    Event().wait(0.7)
    story = pod.end()
    print(f"{why}, {flags}: {story}")
    assert "Tearing down" not in second.said
    assert "Added back" not in first.said[said:]
    assert story.by("node") == len(story.rows)
    first.send(signal.SIGTERM)
    assert first.wait() == 0
    with inside(node.node):
        assert network.release().found == []


PATIENT = "patience=0.3"  # seconds


def assert_it_goes_on(first: Program, pod: Load, what: str, *, is_alone: bool = True) -> None:
    """Whoever failed: the node serves, and ends in good order. `is_alone`: cluster DNS had nothing to do."""
    Event().wait(0.5)
    at = time.monotonic()
    first.send(signal.SIGTERM)
    assert first.wait() == 0
    Event().wait(0.5)
    story = pod.end()
    print(f"{what}: {story}")
    assert not is_alone or story.by("node", until=at) == sum(1 for sent, *_ in story.rows if sent < at)
    assert story.by("cluster", since=at) > 300
    assert story.lost == []


@pytest.mark.parametrize("number", [1, 2, 3, 4], ids=["hello", "all", "reads", "takes"])
def test_a_successor_that_dies_before_it_says_a_word_is_no_loss(
    node: World, start: Start, load: Begin, number: int
) -> None:
    first = start(node)
    first.until(STEERED)
    pod = load(node)
    second = start(node, "-takeover", around=fate("kill", number))
    assert second.wait() == -signal.SIGKILL
    if number > 2:
        first.until("nothing was handed over to nodens 0.1.0 .*: it closed the connection; we go on")
    assert_it_goes_on(first, pod, f"a successor dies before its word {number}")
    with inside(node.node):
        assert network.release().found == []


@pytest.mark.parametrize("flags", RUNGS)
@pytest.mark.parametrize("number", [3, 4], ids=["reads", "takes"])
def test_a_successor_that_is_too_slow_gets_nothing_and_begins_anew_beside_the_other(
    node: World, start: Start, load: Begin, number: int, flags: tuple[str, ...]
) -> None:
    first = start(node, *flags, around=fate(PATIENT))
    first.until(STEERED)
    pod = load(node)
    second = start(node, *flags, "-takeover", around=fate("stop", number))
    second.until_stopped()
    first.until("nothing was handed over to nodens 0.1.0 .*: no word from it in 0.3 s; we go on")
    if number == 4:
        first.until(STEERED, times=2)
    second.send(signal.SIGCONT)
    second.until(STEERED)
    assert f"pid {first.pid}: cannot take over: " in second.said
    assert "; it lives and goes on, and nothing of it was changed; we begin anew beside it" in second.said
    assert "hands nothing over: it was too slow, or we were; both serve until it is stopped" in second.said
    assert "Tearing down" not in second.said
    first.send(signal.SIGTERM)
    assert first.wait() == 0
    Event().wait(0.5)
    told = node.on_node("curl", "-s", "-m", "2", "http://127.0.0.1:9353/metrics")
    assert 'nodens_handovers_total{outcome="failed",role="taken"} 1\n' in told
    assert_it_goes_on(second, pod, f"a slow successor, word {number}, {flags}", is_alone=False)
    with inside(node.node):
        assert network.release().found == []


@pytest.mark.parametrize("number", [1, 2, 3, 4], ids=["who", "all", "left", "gone"])
def test_a_predecessor_that_dies_before_it_says_a_word_leaves_all_to_the_successor(
    node: World, start: Start, load: Begin, number: int
) -> None:
    first = start(node, around=fate("kill", number))
    first.until(STEERED)
    pod = load(node)
    second = start(node, "-takeover")
    assert first.wait() == -signal.SIGKILL
    second.until(STEERED)
    Event().wait(0.5)
    at = second.send(signal.SIGTERM)
    assert second.wait() == 0
    story = pod.end()
    print(f"a predecessor dies before its word {number}: {story}")
    assert (" ended while it handed over: " in second.said) is (number > 2)
    assert story.by("node", until=at) > 300
    assert story.gap_ms <= 500
    assert number < 3 or len(story.lost) <= 5  # before anything is lent it is a death like any other
    with inside(node.node):
        assert network.release().found == []


@pytest.mark.parametrize("number", [3, 4], ids=["left", "gone"])
def test_a_predecessor_that_stops_for_a_while_is_waited_for(
    node: World, start: Start, load: Begin, number: int
) -> None:
    first = start(node, around=fate("stop", number))
    first.until(STEERED)
    pod = load(node)
    second = start(node, "-takeover")
    first.until_stopped()
    Event().wait(0.5)
    first.send(signal.SIGCONT)
    second.until(STEERED)
    assert first.wait() == 0
    assert "handed over to nodens" in first.said
    assert_it_goes_on(second, pod, f"a predecessor stops before its word {number}")


@pytest.mark.parametrize("number", [3, 4], ids=["left", "gone"])
def test_a_predecessor_that_stops_for_too_long_serves_again_when_it_goes_on_beside_its_successor(
    node: World, start: Start, load: Begin, number: int
) -> None:
    first = start(node, around=fate("stop", number))
    first.until(STEERED)
    pod = load(node)
    second = start(node, "-takeover", around=fate(PATIENT))
    first.until_stopped()
    second.until("no word from it in 0.3 s; it lives and goes on, .*; we begin anew beside it")
    Event().wait(2.5)
    assert "[INFO] steering: " not in second.said  # half of the sockets hang
    at = first.send(signal.SIGCONT)
    first.until("nothing was handed over to nodens 0.1.0 .*; we go on")
    first.until(STEERED, times=2)
    steered_s = time.monotonic()
    Event().wait(1)
    story = pod.end()
    print(f"a predecessor stops too long before its word {number}: {story}")
    assert story.by("cluster", until=at) > 300
    assert story.by("silence", since=at) == 0
    assert story.by("node", since=steered_s) == sum(1 for sent, *_ in story.rows if sent >= steered_s)


def test_a_predecessor_that_is_told_to_stop_meanwhile_stops_and_the_successor_begins_anew(
    node: World, start: Start, load: Begin
) -> None:
    first = start(node)
    first.until(STEERED)
    pod = load(node)
    second = start(node, "-takeover", around=fate("stop", 3))
    second.until_stopped()
    first.send(signal.SIGTERM)
    assert first.wait() == 0
    second.send(signal.SIGCONT)
    second.until(STEERED)
    assert f"pid {first.pid} ended while it handed over: " in second.said
    assert_it_goes_on(second, pod, "a predecessor is stopped while it hands over", is_alone=False)


@pytest.mark.parametrize("flags", RUNGS)
def test_a_predecessor_that_is_told_to_stop_after_its_last_word_has_handed_over(
    node: World, start: Start, load: Begin, flags: tuple[str, ...]
) -> None:
    """It was given, though not yet read: who gave it tears nothing down."""
    first = start(node, *flags, around=fate("stop-peer", 4))
    first.until(STEERED)
    pod = load(node)
    second = start(node, *flags, "-takeover")
    second.until_stopped()
    first.send(signal.SIGTERM)
    assert first.wait() == 0
    assert "handed over to nodens" in first.said
    assert "Tearing down" not in first.said
    second.send(signal.SIGCONT)
    second.until(STEERED)
    assert "took over from" in second.said
    assert_it_goes_on(second, pod, f"told to stop after its last word, {flags}", is_alone=False)
    with inside(node.node):
        assert network.release().found == []
