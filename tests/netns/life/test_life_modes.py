"""The other rungs and modes of kube-proxy, with the real program: the same deaths, and what remains for `release`."""
# ruff: noqa: T201 - figures are printed, for those who run it with -s

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from node_life import BOTH_FAMILIES, PACKAGE, Load, Program
from small_world import BORROWED, World

pytestmark = pytest.mark.netns

Start = Callable[..., Program]
Begin = Callable[..., Load]
STEERED = r"^\[INFO\] steering: "


def nodens(world: World, *words: str) -> str:
    """Run the command `nodens` on the node."""
    environment = f"PYTHONPATH={PACKAGE}"
    return world.on_node("env", environment, sys.executable, "-m", "nodens", *words, check=False)


@pytest.mark.parametrize(
    ("mode", "flags", "rung"),
    [
        pytest.param("nft", (), "rung 1", id="kube-proxy iptables (nft)"),
        pytest.param("legacy", (), "rung 1", id="kube-proxy iptables (legacy)"),
        pytest.param("nft", ("-steering=iptables",), "rung 4", id="kube-proxy and we through iptables-nft"),
        pytest.param("legacy", ("-steering=iptables",), "rung 4", id="kube-proxy and we through iptables-legacy"),
    ],
)
def test_after_sigkill_cluster_dns_answers_whatever_rung_and_kube_proxy(  # noqa: PLR0917 - pytest hands them in by name
    make_node: Callable[[str], World], start: Start, load: Begin, mode: str, flags: tuple[str, ...], rung: str
) -> None:
    node = make_node(mode)
    program = start(node, *flags)
    program.until(STEERED)
    assert rung in program.said
    pod = load(node)
    Event().wait(0.7)
    at = program.send(signal.SIGKILL)
    Event().wait(3.5)
    story = pod.end()
    took_s = story.first_by("cluster", at)
    print(f"{mode} {' '.join(flags)}: {story}; cluster DNS {took_s * 1000:.0f} ms after SIGKILL")
    assert story.by("node", until=at) > 600
    assert took_s < (0.5 if rung == "rung 1" else 3)
    told = nodens(node, "release")
    assert ("nothing of nodens" in told) is (rung == "rung 1")
    assert "nothing of nodens or node-cache was found" in nodens(node, "release")


@pytest.mark.parametrize("address", BORROWED)
def test_both_families_die_alike(node: World, start: Start, load: Begin, address: str) -> None:
    program = start(node, addresses=BOTH_FAMILIES)
    program.until(STEERED)
    pod = load(node, address)
    Event().wait(0.7)
    at = program.send(signal.SIGKILL)
    Event().wait(0.7)
    story = pod.end()
    print(f"{address}: {story}")
    assert story.by("node", until=at) > 600
    assert story.gap_ms <= 500


def test_a_host_process_is_answered_before_while_and_after(node: World, start: Start) -> None:
    """For its packets the way is looked up before they are translated: the link must go with us."""
    ask = ("dig", "+short", "+tries=1", "+time=1", f"@{BORROWED[0]}", "n1.cluster.local")
    node.on_node("ip", "route", "add", "default", "via", "192.168.2.10")
    assert node.on_node(*ask) == "2.2.2.2\n"
    program = start(node)
    program.until(STEERED)
    assert node.on_node(*ask) == "2.2.2.2\n"
    program.send(signal.SIGKILL)
    program.wait()
    assert node.on_node(*ask) == "2.2.2.2\n"


def test_conntrack_keeps_no_entry_of_pods_that_ask_us(node: World, start: Start, load: Begin) -> None:
    program = start(node)
    program.until(STEERED)
    node.forget()
    pod = load(node)
    Event().wait(1)
    story = pod.end()
    entries = node.entries()
    both = node.on_node("conntrack", "-L")
    upstream = sum("dport=53" in line and "192.168.2.10" in line for line in both.splitlines())
    print(f"{story}; {len(entries)} conntrack entries of pods, {upstream} upstream")
    assert story.by("node") == len(story.rows)
    assert entries == []
    assert upstream < 60


def test_release_keeps_what_a_living_agent_holds(node: World, start: Start) -> None:
    program = start(node, "-steering=iptables")
    program.until(STEERED)
    told = nodens(node, "release")
    assert "kept: a living process" in told
    assert "removed" not in told
    program.send(signal.SIGTERM)
    assert program.wait() == 0


def memory_cgroup() -> Path | None:
    """A folder under which memory can be limited here, of either version of cgroups."""
    for root in (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")):
        if (root / "memory.limit_in_bytes").exists() and os.access(root, os.W_OK):
            return root
        controllers = root / "cgroup.subtree_control"
        if controllers.exists() and "memory" in controllers.read_text().split():
            return root
    return None


def test_an_oom_kill_costs_no_more_than_any_death(node: World, start: Start, load: Begin) -> None:
    root = memory_cgroup()
    if root is None:
        pytest.skip("needs a memory cgroup that may be written")
    group = root / f"nodens-test-{os.getpid()}"
    group.mkdir()
    try:
        program = start(node)
        program.until(STEERED)
        pod = load(node)
        Event().wait(0.7)
        (group / "cgroup.procs").write_text(str(program.pid))
        is_v1 = (group / "memory.limit_in_bytes").exists()
        # Its pages were charged elsewhere; what it asks for from now on is charged here, and there is room for nothing.
        (group / ("memory.limit_in_bytes" if is_v1 else "memory.max")).write_text("65536")
        if not is_v1 and (group / "memory.swap.max").exists():
            (group / "memory.swap.max").write_text("0")
        program.send(signal.SIGHUP)
        for _ in range(50):
            node.on_node("curl", "-s", "-m", "1", "http://127.0.0.1:9353/metrics", check=False)
            if program.is_gone():
                break
        assert program.is_gone()
        Event().wait(0.7)
        story = pod.end()
        print(f"OOM kill: {story}")
        assert program.wait() in {-9, 137}
        assert story.by("cluster") > 500
        assert story.gap_ms <= 500
    finally:
        group.rmdir()


@pytest.mark.parametrize(
    ("addresses", "is_warned"),
    [
        pytest.param(("169.254.20.10", "10.96.0.10"), True, id="the service's address"),
        pytest.param(("169.254.20.10",), False, id="the link-local address alone"),
    ],
)
def test_the_services_address_under_ipvs_is_warned_of_at_start(
    node: World, start: Start, addresses: tuple[str, ...], *, is_warned: bool
) -> None:
    """What its link has, IPVS takes; a bridge stands for kube-proxy's dummy here, a real one runs in tests/uml."""
    node.on_node("ip", "link", "add", "kube-ipvs0", "type", "bridge")
    node.on_node("ip", "addr", "add", "10.96.0.10/32", "dev", "kube-ipvs0")
    program = start(node, addresses=addresses)
    program.until(STEERED)
    told = "[WARNING] 10.96.0.10 is on kube-ipvs0, too: kube-proxy's IPVS takes its packets"
    assert (told in program.said) is is_warned
