"""What `nodens doctor` says of the real program: while it steers, while it waits, and after its death."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable

import pytest
from node_life import ADDRESSES, PACKAGE, Program
from small_world import World, inside

pytestmark = pytest.mark.netns

Start = Callable[..., Program]
STEERED = r"^\[INFO\] steering: "


def doctor(world: World) -> dict[str, dict[str, str]]:
    """Give the report's last line of each check."""
    words = [sys.executable, "-m", "nodens", "doctor", "--json", "--localip", ",".join(ADDRESSES)]
    done = subprocess.run(
        ["ip", "netns", "exec", world.node, *words, "--cluster-dns", "192.168.2.10", "--name", "n1.cluster.local"],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
        env={**os.environ, "PYTHONPATH": str(PACKAGE)},
    )
    assert done.stdout, done.stderr
    return {line["check"]: line for line in json.loads(done.stdout)["lines"]}


def test_of_a_steering_agent_it_tells_pid_version_and_rung(node: World, start: Start) -> None:
    program = start(node, "-steering=nft")
    program.until(STEERED)
    told = doctor(node)
    assert told["agent"]["verdict"] == "ok"
    assert told["agent"]["what"].startswith(f"pid {program.pid}, ")
    assert "nodens-" in told["agent"]["what"]
    assert told["agent"]["what"].endswith(", rung 1")
    assert told["left-overs"]["what"] == "none"
    assert "its owner lives" in told["in use"]["what"] or "holds it" in told["in use"]["what"]
    assert told["answer n1.cluster.local"]["verdict"] == "ok"


def test_an_agent_that_waits_for_its_upstream_is_a_warning(node: World, start: Start) -> None:
    program = start(node, upstream="192.168.2.99")
    program.until(r"traffic is not pointed here")
    program.until(r"^linux/")
    told = doctor(node)
    assert told["agent"]["verdict"] == "warn"
    assert told["agent"]["what"].endswith("traffic is not pointed at it")


def test_the_rules_of_a_killed_agent_are_bad(node: World, start: Start) -> None:
    program = start(node, "-steering=iptables")
    program.until(STEERED)
    assert doctor(node)["left-overs"]["verdict"] == "ok"
    program.send(signal.SIGKILL)
    program.wait()
    told = doctor(node)
    assert told["left-overs"]["verdict"] == "bad"
    assert told["agent"]["what"] == "none runs here"


def test_sockets_that_hear_nothing_are_bad_though_their_process_lives(node: World, start: Start) -> None:
    program = start(node)
    program.until(STEERED)
    heard = doctor(node)["hearing 169.254.20.10:53"]
    assert heard["verdict"] == "ok", heard
    chain = "chain input {\n type filter hook input priority 0\n udp dport 53 drop\n }"
    node.on_node("nft", "-f", "-", text=f"table inet firewall {{\n {chain}\n}}\n")
    told = doctor(node)
    assert told["hearing 169.254.20.10:53"]["verdict"] == "bad"
    assert told["hearing 169.254.20.10:53"]["what"] == "asked from this node: udp silent, tcp answers"
    assert told["169.254.20.10:53/udp"]["verdict"] == "ok"


def test_a_door_that_another_process_took_is_told_with_its_name(node: World, start: Start) -> None:
    with inside(node.node), socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as squatter:
        squatter.bind("\0nodens/169.254.20.10/53")
        told = doctor(node)["door 169.254.20.10:53"]
        assert (told["verdict"], told["what"].endswith("which lets nobody in")) == ("warn", True)
        squatter.listen()
        program = start(node)
        program.until(STEERED)
        told = doctor(node)["door 169.254.20.10:53"]
    assert told["verdict"] == "warn"
    assert told["what"].startswith(f"taken by pid {os.getpid()}, ")
    assert told["what"].endswith("which does not serve the address")
    program.until("the name of the hand-over is free")
    told = doctor(node)["door 169.254.20.10:53"]
    assert (told["verdict"], told["what"].partition(",")[0]) == ("ok", f"kept by pid {program.pid}")
