"""Hosts are made, wired, and leave nothing behind."""

from __future__ import annotations

import subprocess

import pytest

from nodens.errors import LabError
from nodens.lab import host as hosts

pytestmark = pytest.mark.netns


@pytest.fixture(autouse=True)
def _supported() -> None:
    if reason := hosts.unsupported():
        pytest.skip(f"needs {reason}")


def namespaces() -> str:
    return subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout


def test_wired_hosts_reach_each_other() -> None:
    with hosts.host("pod") as pod, hosts.host("node") as node:
        hosts.wire(pod, "eth0", "10.99.0.2/24", node, "cali0", "10.99.0.1/24")
        node.add_link("nodelocaldns", "bridge")
        node.add_address("nodelocaldns", "169.254.20.10/32")
        pod.add_route("default", "10.99.0.1")
        assert "169.254.20.10" in node.run("ip", "-o", "addr", "show", "dev", "nodelocaldns")
        assert "10.99.0.1" in pod.run("ip", "route", "get", "169.254.20.10")


def test_a_host_is_gone_after_its_block_even_after_a_failure() -> None:
    with pytest.raises(RuntimeError), hosts.host("doomed") as doomed:
        raise RuntimeError
    assert doomed.namespace not in namespaces()


def test_programs_end_with_their_host() -> None:
    with hosts.host("busy") as busy:
        program = busy.start("sleep", "600")
        busy.run("true")
    assert program.wait(5) != 0
    assert busy.namespace not in namespaces()


def test_a_program_that_fails_says_what_it_said() -> None:
    with hosts.host("sad") as sad, pytest.raises(LabError, match="nowhere"):
        sad.run("ls", "/nowhere")


def test_only_namespaces_of_dead_processes_are_leftovers() -> None:
    with hosts.host("alive") as alive:
        assert alive.namespace not in hosts.leftovers()
        hosts._ip("netns", "add", f"{hosts.PREFIX}999999999-left")
        left = subprocess.Popen(["ip", "netns", "exec", f"{hosts.PREFIX}999999999-left", "sleep", "600"])
        assert f"{hosts.PREFIX}999999999-left" in hosts.leftovers()
        hosts.remove_leftovers()
        assert hosts.leftovers() == []
        assert left.wait(5) != 0
        assert alive.namespace in namespaces()
