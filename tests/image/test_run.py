"""The image runs on a node with the manifest's rights and no others: it serves, steers, and leaves nothing behind."""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import pytest
from container import LIMIT_S, Container
from named import OF_STEERING, catalogue
from prometheus_client.parser import text_string_to_metric_families
from small_world import World, inside

from nodens import manifests

pytestmark = pytest.mark.image

BY_NODE, BY_CLUSTER = "2.2.2.2", "1.1.1.1"  # cluster DNS tells who asked it
CAPABILITIES = {"CAP_NET_BIND_SERVICE": 10, "CAP_NET_ADMIN": 12}


def ask(world: World, address: str, *, is_tcp: bool = False, where: str | None = None) -> str:
    """Ask from the pod; the address that is the answer."""
    question = dns.message.make_query("kubernetes.default.svc.cluster.local", "A")
    with inside(where or world.pod):
        answer = (dns.query.tcp if is_tcp else dns.query.udp)(question, address, timeout=3)
    return str(answer.answer[0][0])


def status(container: Container) -> dict[str, str]:
    """What the kernel says of its first process."""
    text = Path(f"/proc/{container.pid}/status").read_text()
    return dict(re.findall(r"^(\w+):\s*(.*)$", text, re.MULTILINE))


def scrape(world: World) -> dict[str, frozenset[str]]:
    """Which of the signs of steering it tells, and their labels."""
    with inside(world.node):
        page = urllib.request.urlopen("http://127.0.0.1:9253/metrics", timeout=5).read().decode()
    samples = (each for family in text_string_to_metric_families(page) for each in family.samples)
    return {each.name: frozenset(each.labels) for each in samples if each.name in OF_STEERING}


def traces(world: World) -> str:
    """What of ours is on the node."""
    links = world.on_node("ip", "-o", "link", "show", "nodelocaldns", check=False)
    tables = world.on_node("nft", "list", "tables")
    return "\n".join([*re.findall(r"\d+: nodelocaldns", links), *re.findall(r"table \w+ nodens.*", tables)])


def test_a_node_is_served_and_steered_with_two_capabilities_and_nothing_is_left(
    world: World, start: Callable[..., Container], manifest: list[dict[str, Any]]
) -> None:
    container = start(manifest)
    container.until(r"steering: 169\.254\.20\.10, 10\.96\.0\.10: rung \d")
    for address in ("169.254.20.10", "10.96.0.10"):
        assert [ask(world, address), ask(world, address, is_tcp=True)] == [BY_NODE] * 2
    assert "nodens" in traces(world)

    told = status(container)
    both = sum(1 << bit for bit in CAPABILITIES.values())
    assert {int(told[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")} == {both}
    assert (told["NoNewPrivs"], told["Seccomp"], told["Uid"].split()[0]) == ("1", "2", "0")
    mounts = Path(f"/proc/{container.pid}/mounts").read_text()
    assert re.search(r"^\S+ / \S+ ro[ ,]", mounts, re.MULTILINE)

    container.kill("TERM")
    assert container.wait() == 0, container.said
    assert traces(world) == ""
    assert ask(world, "10.96.0.10") == BY_CLUSTER


def test_a_killed_container_leaves_nothing_either(
    world: World, start: Callable[..., Container], manifest: list[dict[str, Any]]
) -> None:
    container = start(manifest)
    container.until("rung 1: an nft table that goes with its owner or when beats stop, a tun link")
    container.kill("KILL")
    container.wait()
    assert ask(world, "10.96.0.10") == BY_CLUSTER
    assert traces(world) == ""


def test_it_tells_of_steering_what_dashboard_and_alerts_ask_for(
    world: World, start: Callable[..., Container], manifest: list[dict[str, Any]]
) -> None:
    start(manifest).until("rung 1")
    wanted = {name: catalogue()[name] for name in OF_STEERING}
    deadline = time.monotonic() + LIMIT_S
    # Some are told with the first look at the node's rules and at our own sockets.
    while (told := scrape(world)) != wanted and time.monotonic() < deadline:
        pass
    assert told == wanted


def test_the_startup_probe_of_the_manifest_says_yes_once_it_serves(
    start: Callable[..., Container], manifest: list[dict[str, Any]]
) -> None:
    (pod,) = [each["spec"]["template"]["spec"] for each in manifest if each["kind"] == "DaemonSet"]
    command = pod["containers"][0]["startupProbe"]["exec"]["command"]
    container = start(manifest)
    container.until("rung 1")
    done = container.run(*command)
    assert done.returncode == 0, done.stderr


def test_on_the_pod_network_it_serves_as_nobody_without_any_capability(
    world: World, start: Callable[..., Container]
) -> None:
    objects = manifests.objects(manifests.Options(mode=manifests.Mode.CILIUM))
    container = start(list(objects), world.pod)
    container.until(r"linux/amd64")
    assert ask(world, "192.168.1.10", where=world.node) == BY_CLUSTER  # asked by the pod network's agent
    told = status(container)
    assert {int(told[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")} == {0}
    assert told["Uid"].split()[0] == "65532"
