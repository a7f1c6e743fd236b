"""`nodens entries` beside the real program: asked names are shown, and a guest that stalls does not delay SIGTERM."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.query
import pytest

from nodens.lab import small_cluster
from nodens.lab.world import programs
from nodens.observe import Door, doors
from started import Here, Started

NAMES = ("kubernetes.default.svc.cluster.local.", "no-such.default.svc.cluster.local.")


@pytest.fixture
def port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        return int(udp.getsockname()[1])


@pytest.fixture
def agent(tmp_path: Path, port: int) -> Iterator[Started]:
    """Give a program that has answered two questions."""
    with small_cluster() as upstream:
        corefile = tmp_path / "Corefile"
        forward = f"forward . 127.0.0.1:{upstream.address[1]} {{\n force_tcp\n }}"
        corefile.write_text(f".:{port} {{\n bind 127.0.0.1\n cache 30\n {forward}\n}}\n")
        command = (sys.executable, "-m", "nodens", "run", "--corefile", str(corefile))
        started = Started(Here(), programs.Order(name="agent", role="a test's", command=command), tmp_path / "said")
        started.until("^nodens-")
        for name in NAMES:
            dns.query.udp(dns.message.make_query(name, "A"), "127.0.0.1", port=port, timeout=5)
        yield started
        started.close()


def entries(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    command = [sys.executable, "-m", "nodens", "entries", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def door_of(port: int) -> Door:
    (door,) = [door for door in doors() if door.address == f"127.0.0.1:{port}"]
    return door


def test_what_was_asked_is_shown_as_a_table_and_as_json(agent: Started, port: int) -> None:
    here = ("--agent", f"127.0.0.1:{port}")
    table = entries(*here)
    assert (table.returncode, len(table.stdout.splitlines())) == (0, 3)
    assert f"2 of 2 entries that fit, 2 in all; nodens 0.1.0, pid {agent.pid}" in table.stderr
    denials = json.loads(entries(*here, "--json", "--kind", "denial").stdout)
    assert [(each["qname"], each["result"]) for each in denials] == [(NAMES[1], "NXDOMAIN")]
    one = entries(*here, "--limit", "1", "--sort", "bytes")
    assert NAMES[1] in one.stdout
    assert "1 of 2 entries that fit" in one.stderr
    assert "hint: --limit shows more" in one.stderr
    none = entries(*here, "--zone", "example.com")
    assert (none.returncode, none.stdout) == (0, "")


def test_a_guest_that_stalls_does_not_delay_sigterm_and_the_door_goes_with_the_agent(agent: Started, port: int) -> None:
    door = door_of(port)
    with socket.socket(socket.AF_UNIX) as stalled:
        stalled.connect(door.name)
        assert stalled.recv(1)
        sent = agent.send(signal.SIGTERM)
        assert agent.wait() == 0
        assert time.monotonic() - sent < 5
    assert door not in doors()
    gone = entries("--agent", f"127.0.0.1:{port}")
    assert gone.returncode == 3
    assert "agent" in gone.stderr
