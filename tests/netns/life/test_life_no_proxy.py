"""Without kube-proxy (Cilium): the program in a pod of its own, with no right to change a network, as manifests ask.

No link, no rule; readiness tells the redirect policy, and lameduck gives it the time to notice.
"""
# ruff: noqa: T201 - figures are printed, for those who run it with -s

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from threading import Event

import pytest
from node_life import PACKAGE, Load, Program
from small_world import World

pytestmark = pytest.mark.netns

Start = Callable[..., Program]
Begin = Callable[..., Load]
POD = "192.168.1.1"  # the node's side of the pod's link is the program's own address here
FLAGS = ("-setupinterface=false", "-setupiptables=false", "-skipteardown=true")
NO_RIGHTS = ("setpriv", "--bounding-set=-all,+net_bind_service", "--inh-caps=-all")
LAMEDUCK_S = 2
COREFILE = f"""\
.:53 {{
    errors
    cache 30
    bind 0.0.0.0
    prometheus :9253
    forward . __PILLAR__UPSTREAM__
    health :8080 {{
        lameduck {LAMEDUCK_S}s
    }}
    ready :8181
}}
"""


def get(world: World, path: str, port: int) -> str:
    """Ask a side service from another place, as the kubelet does."""
    return world.on_node("curl", "-s", "-m", "1", "-w", " %{http_code}", f"http://{POD}:{port}{path}", check=False)


def wait_until_ready(world: World, limit_s: float = 10.0) -> None:
    end_s = time.monotonic() + limit_s
    while not get(world, "/ready", 8181).endswith("200"):
        assert time.monotonic() < end_s, get(world, "/ready", 8181)


def network_of(world: World) -> tuple[str, ...]:
    """Everything that an agent could have changed: links, addresses, rules in each language, sets."""
    asked = (
        ("ip", "-o", "link"),
        ("ip", "-o", "addr"),
        ("nft", "list", "ruleset"),
        ("iptables-legacy-save",),
        ("ip6tables-legacy-save",),
    )
    return tuple(world.on_node(*words) for words in asked)


def test_in_the_pod_network_nothing_is_made_and_no_right_is_needed(
    make_node: Callable[[str], World], start: Start, load: Begin
) -> None:
    node = make_node("none")
    before = network_of(node)
    program = start(node, *FLAGS, corefile=COREFILE, around=NO_RIGHTS)
    wait_until_ready(node)
    assert network_of(node) == before
    pod = load(node, POD)
    Event().wait(0.5)
    told = node.on_node("env", f"PYTHONPATH={PACKAGE}", sys.executable, "-m", "nodens", "release", check=False)
    program.send(signal.SIGTERM)
    assert program.wait() == 0
    story = pod.end()
    assert story.by("node") > 400
    assert "nothing of nodens or node-cache was found" in told
    assert network_of(node) == before
    assert "Added interface" not in program.said
    assert "steering" not in program.said


def test_ready_flips_at_once_and_lameduck_answers_until_its_end(
    make_node: Callable[[str], World], start: Start, load: Begin
) -> None:
    node = make_node("none")
    program = start(node, *FLAGS, corefile=COREFILE, around=NO_RIGHTS)
    wait_until_ready(node)
    pod = load(node, POD)
    Event().wait(0.5)
    at = program.send(signal.SIGTERM)
    while (ready := get(node, "/ready", 8181)).endswith("200"):
        assert time.monotonic() - at < 1, "still ready a second after SIGTERM"
    flipped_s = time.monotonic() - at
    health = get(node, "/health", 8080)
    assert program.wait() == 0
    ended_s = time.monotonic() - at
    story = pod.end()
    print(f"ready flips {flipped_s * 1000:.0f} ms after SIGTERM, ends after {ended_s:.2f} s; {story}")
    assert ready == "stopping 503"
    assert health == "OK 200"
    assert f"plugin/health: Going into lameduck mode for {LAMEDUCK_S}s" in program.said
    assert LAMEDUCK_S <= ended_s < LAMEDUCK_S + 1.5
    in_lameduck = [who for sent, _, who in story.rows if at <= sent < at + LAMEDUCK_S]
    assert len(in_lameduck) > 900 * LAMEDUCK_S
    assert set(in_lameduck) == {"node"}


def test_without_lameduck_it_ends_at_once(make_node: Callable[[str], World], start: Start) -> None:
    node = make_node("none")
    corefile = COREFILE.replace(f" {{\n        lameduck {LAMEDUCK_S}s\n    }}", "")
    program = start(node, *FLAGS, corefile=corefile, around=NO_RIGHTS)
    wait_until_ready(node)
    at = program.send(signal.SIGTERM)
    assert program.wait() == 0
    assert time.monotonic() - at < LAMEDUCK_S / 2
    assert "lameduck mode" not in program.said


def test_with_rules_asked_for_the_missing_right_is_named(make_node: Callable[[str], World], start: Start) -> None:
    program = start(make_node("none"), corefile=COREFILE, around=NO_RIGHTS)
    assert program.wait() == 1
    assert "CAP_NET_ADMIN" in program.said


def test_sockets_that_hear_nothing_are_not_ready_so_that_the_redirect_lets_go(
    make_node: Callable[[str], World], start: Start
) -> None:
    node = make_node("none")
    start(node, *FLAGS, corefile=COREFILE, around=NO_RIGHTS)
    wait_until_ready(node)
    chain = "chain input {\n type filter hook input priority 0\n udp dport 53 drop\n }"
    node.on_node("nft", "-f", "-", text=f"table inet firewall {{\n {chain}\n}}\n")
    end_s = time.monotonic() + 10
    while (told := get(node, "/ready", 8181)).endswith("200"):
        assert time.monotonic() < end_s, told
    assert told == "0.0.0.0:53/udp: gives no answer to ourselves 503"
    assert get(node, "/health", 8080) == "OK 200"
    node.on_node("nft", "delete", "table", "inet", "firewall")
    wait_until_ready(node)
