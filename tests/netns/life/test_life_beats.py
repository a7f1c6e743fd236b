"""Beats while the keeper waits: a lock or a slow tool that holds up a repair does not take traffic away."""
# ruff: noqa: T201 - figures are printed, for those who run it with -s

from __future__ import annotations

import fcntl
import signal
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from node_life import Load, Program
from small_world import World

pytestmark = pytest.mark.netns

Start = Callable[..., Program]
Begin = Callable[..., Load]
STEERED = r"^\[INFO\] steering: "
HELD_S = 6.5  # longer than rules outlive a beat, and than we wait for the lock


def metric(world: World, name: str) -> str:
    """Read one sample of the node's metrics, as it is written."""
    page = world.on_node("curl", "-s", "-m", "2", "http://127.0.0.1:9353/metrics")
    return next(line.rpartition(" ")[2] for line in page.splitlines() if line.startswith(name + " "))


def test_a_lock_that_somebody_holds_takes_no_traffic_away(
    make_node: Callable[[str], World], start: Start, load: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock is one of this test's own: that of the machine is held by others' tests."""
    lock = tmp_path / "lock"
    monkeypatch.setenv("NODENS_TEST_ENVIRONMENT", f"XTABLES_LOCKFILE={lock}")
    node = make_node("legacy")
    program = start(node, "-steering=iptables", "-syncinterval=1s")
    program.until(STEERED)
    assert "rung 4" in program.said
    pod = load(node)
    with lock.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        node.on_node("iptables-legacy", "-w", "-t", "raw", "-D", "OUTPUT", "1")  # an answer's rule: something to repair
        program.until(r"^\[ERROR\] .*xtables lock")
        Event().wait(HELD_S - 5)
        assert metric(node, "nodens_steered") == "1"
    program.until("Added back nodelocaldns rule - ")
    story = pod.end()
    print(f"the xtables lock is held for {HELD_S} s: {story}")
    assert story.by("node") == len(story.rows)
    assert metric(node, "nodens_steering_last_repair_timestamp_seconds") != "0"


def test_a_process_that_is_frozen_again_and_again_is_not_trusted_until_it_runs_freely(
    node: World, start: Start, load: Begin
) -> None:
    """Each pulse would open the gate for two seconds, in half of which nobody answers."""
    program = start(node)
    program.until(STEERED)
    pod = load(node)
    Event().wait(1.5)  # beats are given
    for number in range(4):
        program.send(signal.SIGSTOP)
        Event().wait(2.2)
        program.send(signal.SIGCONT)
        if number == 0:
            program.until(
                r"\[WARNING\] no beat for \d\.\d s: we were stopped or starved; cluster DNS answered meanwhile$"
            )
        elif number == 1:
            program.until(
                "stopped or starved again and again; traffic goes to cluster DNS until it runs freely for a while$"
            )
        else:
            Event().wait(0.8)
    at = time.monotonic()
    assert metric(node, 'nodens_steering_let_go_total{reason="frozen"}') == "2"
    assert metric(node, 'nodens_steering_withheld{reason="frozen"}') == "1"
    program.until(STEERED, times=2)
    Event().wait(0.5)
    story = pod.end()
    print(f"frozen again and again: {story}; the node again after {story.first_by('node', at):.1f} s")
    assert program.said.count("stopped or starved") == 2
    assert story.by("node", since=at) > 0
