"""Rules of a node-cache that died, or that lives beside us: none may keep pods from cluster DNS when we die."""
# ruff: noqa: T201 - figures are printed, for those who run it with -s

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest
from node_cache_rules import delete_as_node_cache, insert_as_node_cache, rules_of
from node_life import ADDRESSES, Load, Program, in_namespace, stand_in
from small_world import World, inside

from nodens import network
from nodens.lab.account import Account

pytestmark = pytest.mark.netns

Start = Callable[..., Program]
Begin = Callable[..., Load]
STEERED = r"^\[INFO\] steering: "
SYNC = "-syncinterval=1s"


class NodeCache:
    """A program that stands for node-cache, with its rules."""

    def __init__(self, world: World, flavour: str = "nft") -> None:
        """Serve, then steer."""
        self._world, self._flavour = world, flavour
        self._process: subprocess.Popen[bytes] = in_namespace(world.node, *stand_in(*ADDRESSES))
        assert self._process.stdout
        assert self._process.stdout.readline() == b"ready\n"
        for address in ADDRESSES:
            world.on_node("ip", "addr", "add", f"{address}/32", "dev", "lo")
            insert_as_node_cache(world, flavour, address)

    def terminate(self) -> None:
        """End in good order: networking goes before the sockets."""
        for address in ADDRESSES:
            delete_as_node_cache(self._world, self._flavour, address)
        self.kill()

    def kill(self) -> None:
        """End without a word. Its addresses would stay on a link of its own; here the test takes them away."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
            for address in ADDRESSES:
                self._world.on_node("ip", "addr", "del", f"{address}/32", "dev", "lo")


@pytest.fixture
def begin_node_cache() -> Iterator[Callable[..., NodeCache]]:
    """Give `begin_node_cache(world)`."""
    begun: list[NodeCache] = []

    def begin(world: World, flavour: str = "nft") -> NodeCache:
        begun.append(NodeCache(world, flavour))
        return begun[-1]

    yield begin
    for each in begun:
        each.kill()


def stale(world: World) -> float:
    """Read the gauge."""
    page = world.on_node("curl", "-s", "http://127.0.0.1:9353/metrics")
    found = re.search(r"^nodens_steering_stale_rules (\S+)", page, re.MULTILINE)
    assert found, page
    return float(found[1])


def test_after_sigkill_pods_reach_cluster_dns_though_a_dead_node_cache_had_left_its_rules(
    node: World, start: Start, load: Begin
) -> None:
    """In both iptables: nobody knows which one the node used when it died."""
    for flavour in ("nft", "legacy"):
        for address in ADDRESSES:
            insert_as_node_cache(node, flavour, address)
    program = start(node)
    pod = load(node)
    program.until("48 rules of a dead agent were removed: they would have outlived us")
    assert "rung 1" in program.said
    assert rules_of(node) == []
    assert stale(node) == 0
    Event().wait(0.5)
    at = program.send(signal.SIGKILL)
    Event().wait(1)
    story = Account([row for row in pod.end().rows if row[0] > at - 0.4])
    print(f"SIGKILL after a dead node-cache's rules had been found: {story}")
    assert story.by("cluster", since=at) > 600
    assert story.gap_ms < 300
    with inside(node.node):
        assert network.release().found == []


def test_while_it_takes_them_away_no_query_is_lost(node: World, start: Start, load: Begin) -> None:
    program = start(node)
    program.until(STEERED)
    pod = load(node)
    for address in ADDRESSES:
        insert_as_node_cache(node, "nft", address)
    program.send(signal.SIGKILL)  # told to stop it would have taken them away
    program.wait()
    again = start(node)
    again.until("24 rules of a dead agent were removed")
    at_rest = again.send(signal.SIGCONT)
    Event().wait(0.5)
    story = pod.end()
    assert [row for row in story.lost if row[0] > at_rest] == []


def test_rules_are_kept_while_their_node_cache_lives_and_go_after_it_died(
    node: World, start: Start, begin_node_cache: Callable[..., NodeCache], load: Begin
) -> None:
    """The way of a migration by surge: both share the port, then the old one is killed."""
    before = begin_node_cache(node)
    pod = load(node)
    program = start(node, "-takeover", SYNC)
    program.until(STEERED)
    program.until(r"\[WARNING\] 24 rules beside ours would keep pods from cluster DNS when we are gone ")
    assert "another process serves 169.254.20.10 port 53, too" in program.said
    assert stale(node) == 24
    assert len(rules_of(node)) == 24
    before.kill()
    program.until("24 rules of a dead agent were removed")
    assert stale(node) == 0
    assert rules_of(node) == []
    at = program.send(signal.SIGKILL)
    Event().wait(1)
    story = pod.end()
    print(f"a node-cache, then both, then nodens, then nobody: {story}")
    assert story.by("cluster", since=at) > 600


@pytest.mark.parametrize("flags", [(), ("-steering=iptables",)], ids=["rung 1", "rung 4"])
def test_a_sigterm_right_after_the_death_of_a_node_cache_leaves_no_rule_and_loses_no_query(
    node: World, start: Start, begin_node_cache: Callable[..., NodeCache], load: Begin, flags: tuple[str, ...]
) -> None:
    """A roll-back in mid-migration: the old one dies in its grace, then the new one is stopped."""
    before = begin_node_cache(node)
    program = start(node, "-takeover", *flags)
    program.until(" rules beside ours would keep pods from cluster DNS when we are gone ")
    before.kill()
    pod = load(node)
    Event().wait(0.3)
    at = program.send(signal.SIGTERM)
    assert program.wait() == 0
    Event().wait(1)
    story = pod.end()
    print(f"a node-cache dies, and 0.3 s later we are told to stop, {flags or 'rung 1'}: {story}")
    assert rules_of(node) == []
    assert story.lost == []
    assert story.by("cluster", since=at) > 600
    assert "rules of a dead agent were removed" in program.said


def test_a_sigterm_beside_a_node_cache_that_lives_leaves_its_rules_and_says_so(
    node: World, start: Start, begin_node_cache: Callable[..., NodeCache]
) -> None:
    begin_node_cache(node)
    program = start(node, "-takeover")
    program.until(" rules beside ours would keep pods from cluster DNS when we are gone ")
    program.send(signal.SIGTERM)
    assert program.wait() == 0
    assert len(rules_of(node)) == 24
    assert re.search(r"\[WARNING\] 24 rules beside ours stay when we are gone .*another process serves", program.said)


def test_a_sigterm_that_cannot_take_away_a_dead_node_caches_rules_says_so_and_the_exit_code_tells(
    node: World, start: Start, begin_node_cache: Callable[..., NodeCache], tmp_path: Path
) -> None:
    """The restore program of this process can be broken by the test; nothing but stale rules needs it on rung 1."""
    restore = tmp_path / "sbin"
    restore.mkdir()
    tool = restore / "iptables-nft-restore"
    tool.write_text("#!/bin/sh\necho refused by the test >&2\nexit 1\n")
    tool.chmod(0o755)
    before = begin_node_cache(node)
    program = start(node, "-takeover", around=("env", f"PATH={restore}:{os.environ['PATH']}"))
    program.until(" rules beside ours would keep pods from cluster DNS when we are gone ")
    before.kill()
    program.send(signal.SIGTERM)
    assert program.wait() == 3
    assert len(rules_of(node)) == 24
    assert "[ERROR] iptables-nft-restore: cannot load the iptables rules: refused by the test" in program.said
    assert "24 rules beside ours stay when we are gone" in program.said


def test_two_seconds_after_the_death_of_a_node_cache_a_sigkill_leaves_pods_to_cluster_dns(
    node: World, start: Start, begin_node_cache: Callable[..., NodeCache], load: Begin
) -> None:
    """At the default interval of a minute: its sockets are followed, and only their end has its rules looked at."""
    before = begin_node_cache(node)
    program = start(node, "-takeover")
    program.until(" rules beside ours would keep pods from cluster DNS when we are gone ")
    Event().wait(1.2)  # its sockets have been seen
    at = time.monotonic()
    before.kill()
    program.until("24 rules of a dead agent were removed")
    took_s = time.monotonic() - at
    pod = load(node)
    Event().wait(0.3)
    at = program.send(signal.SIGKILL)
    Event().wait(1)
    story = pod.end()
    print(f"a node-cache's rules go {took_s:.1f} s after its death; then SIGKILL: {story}")
    assert story.by("cluster", since=at) > 600
    assert took_s < 4  # 1.5 s, and the tools under load


@pytest.mark.parametrize(
    "hide",
    [
        pytest.param("mount -t proc -o subset=pid proc /proc", id="/proc/net is hidden"),
        pytest.param("mount -t tmpfs none /proc", id="no /proc: nobody can be told from us"),
    ],
)
def test_the_rules_of_a_node_cache_that_cannot_be_seen_are_kept(
    node: World, start: Start, begin_node_cache: Callable[..., NodeCache], hide: str
) -> None:
    begin_node_cache(node)
    around = ("unshare", "-m", "--propagation", "private", "sh", "-c", f'{hide} && exec "$@"', "-")
    program = start(node, "-takeover", SYNC, around=around)
    program.until(" rules beside ours would keep pods from cluster DNS when we are gone ")
    Event().wait(1.5)
    assert len(rules_of(node)) == 24
    assert "a bug of nodens" not in program.said


def test_a_node_cache_that_is_replaced_by_surge_ends_clean(
    node: World, start: Start, begin_node_cache: Callable[..., NodeCache], load: Begin
) -> None:
    before = begin_node_cache(node)
    program = start(node, "-takeover", SYNC)
    program.until(STEERED)
    pod = load(node)
    Event().wait(0.5)
    before.terminate()
    Event().wait(1.5)
    story = pod.end()
    print(f"a node-cache beside us ends: {story}")
    assert story.by("node") == len(story.rows) - len(story.lost)
    assert len(story.lost) < 20  # what waits in its sockets when it closes them; CoreDNS does no better
    assert rules_of(node) == []
    assert stale(node) == 0
    assert "were removed" not in program.said
    program.send(signal.SIGTERM)
    assert program.wait() == 0
    with inside(node.node):
        assert network.release().found == []


@pytest.mark.parametrize(
    ("flags", "flavours", "around", "told"),
    [
        pytest.param(
            ("-skipteardown",),
            ("nft", "legacy"),  # one of them is as ours would be
            (),
            "kept: asked to leave rules behind (-skipteardown)",
            id="-skipteardown",
        ),
        pytest.param(
            ("-setupiptables=false",),
            ("legacy",),
            (),
            "kept: rules are not ours to set (-setupiptables=false)",
            id="-setupiptables=false",
        ),
        pytest.param(
            (),
            ("legacy",),
            ("capsh", "--drop=cap_net_raw", "--", "-c", 'exec "$@"', "-"),
            "rules that a dead agent may have left cannot be seen: iptables-legacy-save: ",
            id="no right to read them",
        ),
        pytest.param(
            (),
            ("nft",),
            ("unshare", "-m", "sh", "-c", 'mount -t tmpfs none /usr/sbin; exec "$@"', "-"),
            "rules that a dead agent may have left cannot be seen: the kernel has a table `raw`, and there is no ",
            id="no program to read them",
        ),
    ],
)
def test_what_may_not_be_removed_is_said_loudly(  # noqa: PLR0917 - rows and fixtures, by name
    node: World, start: Start, flags: tuple[str, ...], flavours: tuple[str, ...], around: tuple[str, ...], told: str
) -> None:
    for flavour in flavours:
        insert_as_node_cache(node, flavour, ADDRESSES[1])
    program = start(node, *flags, SYNC, around=around)
    program.until(STEERED)
    program.until(r"^\[WARNING\] .*" + re.escape(told))
    before = rules_of(node)
    Event().wait(2.5)
    assert rules_of(node) == before
    assert len([rule for rule in before if "-d 10.96.0.10/32 -p udp -m udp --dport 53" in rule]) >= 3
    assert program.said.count(told) == 1
