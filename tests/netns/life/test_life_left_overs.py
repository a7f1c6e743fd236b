"""Rules of a node-cache that died, or that lives beside us: none may keep pods from cluster DNS when we die."""
# ruff: noqa: T201 - figures are printed, for those who run it with -s

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable, Iterator
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
    program.send(signal.SIGTERM)
    assert program.wait() == 0
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
