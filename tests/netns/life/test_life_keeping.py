"""What somebody takes away while the program runs is put back within a second; meanwhile cluster DNS answers."""
# ruff: noqa: T201 - figures are printed, for those who run it with -s

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event

import pytest
from node_life import Load, Program
from small_world import World

pytestmark = pytest.mark.netns

Start = Callable[..., Program]
Begin = Callable[..., Load]
STEERED = r"^\[INFO\] steering: "
LINK = ("ip", "link", "del", "nodelocaldns")
RULES_BACK = r"Added back nodelocaldns rule - "
FLUSHES = (
    ("nft", "flush", "ruleset"),
    *((tool, "-t", table, "-F") for tool in ("iptables-nft", "iptables-legacy") for table in ("filter", "raw")),
)
RAW = (("iptables-nft", "-t", "raw", "-F"),)


@pytest.mark.parametrize(
    ("flags", "harm", "told"),
    [  # what is wished, what is done to the node, what the log says then
        pytest.param((), (LINK,), r"Added interface - nodelocaldns", id="the link is deleted"),
        pytest.param((), (("ip", "addr", "flush", "dev", "nodelocaldns"),), r"Added back address", id="addresses"),
        pytest.param(("-steering=iptables",), RAW, RULES_BACK, id="iptables -t raw -F"),
    ],
)
def test_what_is_taken_is_back_within_a_second_and_nobody_waits_longer(  # noqa: PLR0917 - pytest hands them in by name
    node: World, start: Start, load: Begin, flags: tuple[str, ...], harm: tuple[tuple[str, ...], ...], told: str
) -> None:
    program = start(node, *flags)
    program.until(STEERED)
    before = len(program.said)
    pod = load(node)
    Event().wait(0.5)
    for words in harm:
        node.on_node(*words)
    program.until(told, times=program.said[:before].count("Added interface") + 1 if "interface" in told else 1)
    Event().wait(1)
    story = pod.end()
    print(f"{' '.join(harm[0])}: {story}")
    assert story.gap_ms <= 1_000
    assert story.rows[-1][2] == "node"


def test_legacy_iptables_tells_nobody_and_a_flush_is_repaired_all_the_same(
    make_node: Callable[[str], World], start: Start, load: Begin
) -> None:
    node = make_node("legacy")
    program = start(node, "-steering=iptables")
    program.until(STEERED)
    pod = load(node)
    Event().wait(0.7)
    node.on_node("iptables-legacy", "-t", "raw", "-F")
    at = time.monotonic()
    program.until(RULES_BACK)
    took_s = time.monotonic() - at
    Event().wait(0.5)
    story = pod.end()
    print(f"iptables-legacy -t raw -F: put back after {took_s * 1000:.0f} ms; {story}")
    assert took_s < 1
    assert story.lost == []
    assert story.rows[-1][2] == "node"


def test_flushes_of_everything_do_not_touch_an_owned_table(node: World, start: Start, load: Begin) -> None:
    program = start(node)
    program.until(STEERED)
    pod = load(node)
    Event().wait(0.5)
    for words in FLUSHES:
        node.on_node(*words)
    Event().wait(0.7)
    story = pod.end()
    print(f"nft flush ruleset, iptables -F: {story}")
    assert story.by("node") == len(story.rows)


def test_a_rule_is_never_there_twice(node: World, start: Start) -> None:
    program = start(node, "-steering=iptables", "-syncinterval=1s")
    program.until(STEERED)
    for times in range(1, 4):
        node.on_node("iptables-nft", "-t", "raw", "-F", "PREROUTING")
        program.until(RULES_BACK, times=times)
    rules = node.on_node("iptables-nft-save", "-t", "raw").splitlines()
    assert len(rules) == len(set(rules))
    assert sum("PREROUTING" in rule and "--dport 53" in rule for rule in rules) == 4


def test_an_address_that_leaves_the_corefile_is_given_back_and_one_that_comes_is_taken(
    node: World, start: Start, load: Begin
) -> None:
    program = start(node)
    program.until(STEERED)
    pod = load(node)
    Event().wait(0.5)
    whole = program.template.read_text()
    program.template.write_text(whole.replace("__PILLAR__LOCAL__DNS__", "169.254.20.10"))
    program.until("Reloading complete")
    assert "no block listens on `10.96.0.10:53`; its traffic is not pointed here" in program.said
    assert "10.96.0.10" not in node.on_node("ip", "addr", "show", "nodelocaldns")
    Event().wait(0.5)
    program.template.write_text(whole)
    program.until("Reloading complete", times=2)
    Event().wait(0.5)
    story = pod.end()
    print(f"an address goes and comes back: {story}")
    assert story.lost == []
    assert story.by("cluster") > 300
    assert story.rows[-1][2] == "node"
