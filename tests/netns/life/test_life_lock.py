"""Somebody holds iptables' lock: what waits for it does not outlive the program."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from node_cache_rules import rules_of
from node_life import Program
from small_world import World

pytestmark = pytest.mark.netns

STEERED = r"^\[INFO\] steering: "
LIMIT_S = 8.0
# A /run of its own: nobody else on this machine waits for this lock.
OWN_RUN = ("unshare", "-m", "sh", "-c", 'mount -t tmpfs run /run; touch /run/xtables.lock; exec "$@"', "-")


def waits_for(program: Program) -> int:
    """Give the child that waits for the lock, as soon as there is one."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
                if parent == str(program.pid) and b"restore\0--noflush" in (folder / "cmdline").read_bytes():
                    return int(folder.name)
    raise AssertionError(program.said)


@pytest.mark.parametrize("rung", ["rung 4", "rung 5"])
def test_a_child_that_waits_for_the_lock_does_not_steer_for_a_dead_agent(
    make_node: Callable[[str], World], start: Callable[..., Program], rung: str
) -> None:
    node = make_node("legacy")
    flags = () if rung == "rung 4" else ("-skipteardown",)
    program = start(node, "-steering=iptables", "-syncinterval=1s", *flags, around=OWN_RUN)
    program.until(STEERED)
    assert rung in program.said
    with Path(f"/proc/{program.pid}/root/run/xtables.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        node.on_node("iptables-legacy", "-t", "raw", "-F")
        child = os.pidfd_open(waits_for(program))
        program.send(signal.SIGKILL)
        program.wait()
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline and not is_gone(child):
            os.sched_yield()
        assert is_gone(child), "it waits for the lock, and will put rules back"
        os.close(child)
    assert "nodelocaldns" not in node.on_node("ip", "link")
    assert node.on_node("iptables-legacy-save", "-t", "raw").count("skip conntrack") == 0


# The real program, whose interpreter's file has gone by the time it has steered: a venv was made anew.
UPROOTED = """
import sys
from nodens.cli import node_cache
from nodens.network.steer import Steered
real = Steered.steer
def steer(self):
    real(self)
    sys.executable = "/none/python"
Steered.steer = steer
sys.argv = sys.argv[3:]
sys.exit(node_cache.main())
"""


def test_an_agent_whose_interpreter_was_replaced_repairs_and_takes_its_rules_away(
    node: World, start: Callable[..., Program], tmp_path: Path
) -> None:
    script = tmp_path / "uprooted.py"
    script.write_text(UPROOTED)
    program = start(node, "-steering=iptables", around=(sys.executable, str(script)))
    program.until(STEERED)
    node.on_node("iptables-nft", "-t", "raw", "-F")
    program.until("Added back nodelocaldns rule")
    program.send(signal.SIGTERM)
    assert program.wait() == 0, program.said
    assert rules_of(node) == []


def is_gone(process: int) -> bool:
    """Whether a process has ended, by its descriptor."""
    try:
        signal.pidfd_send_signal(process, 0)
    except ProcessLookupError:
        return True
    return False
