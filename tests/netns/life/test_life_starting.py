"""How the program starts on a node: what it waits for, what it refuses, and that a refusal changes nothing."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from node_life import ADDRESSES, BOTH_FAMILIES, PACKAGE, Program
from small_world import BORROWED, World, inside, run

from nodens import network

pytestmark = pytest.mark.netns

Start = Callable[..., Program]
STEERED = r"^\[INFO\] steering: "


def get(world: World, path: str, port: int = 8181) -> str:
    """Ask a side service on the node."""
    return world.on_node(
        "curl", "-s", "-m", "2", "-w", " %{http_code}", f"http://169.254.20.10:{port}{path}", check=False
    )


def run_once(world: World, folder: Path, *flags: str, before: str = ":", around: tuple[str, ...] = ()) -> str:
    """Run the program in a mount namespace of its own until it steers or ends; gives what it said."""
    base = folder / "Corefile.base"
    base.write_text(".:53 {\n    bind __PILLAR__LOCAL__DNS__\n    forward . 192.168.2.10\n}\n")
    program = (
        f"PYTHONPATH={PACKAGE} exec {sys.executable} -m nodens.cli.node_cache {' '.join(flags)}"
        f" -localip {','.join(ADDRESSES)} -basecorefile {base} -conf {folder / 'Corefile'} -pidfile {folder / 'pid'}"
    )
    script = f'{before}; ({program}) 2>&1 | while read -r line; do echo "$line"; case $line in'
    script += f" *steering:*) kill $(cat {folder / 'pid'});; esac; done"
    return world.on_node(*around, "unshare", "-m", "sh", "-c", script, check=False)


def is_untouched(world: World) -> bool:
    """Whether nothing of ours is on the node."""
    with inside(world.node):
        return network.release().found == []


def test_an_upstream_that_is_down_delays_steering_and_ends_nothing(
    node: World, start: Start, serve_cluster: Callable[..., None]
) -> None:
    program = start(node, upstream="192.168.2.99")
    program.until(r"no upstream answers: 192\.168\.2\.99:53; traffic is not pointed here")
    program.until(r"^linux/")
    assert "no upstream answers" in get(node, "/ready")
    assert get(node, "/health", 8080) == "OK 200"
    assert "10.96.0.10" not in node.on_node("ip", "addr", "show", "nodelocaldns")
    run("ip", "-n", node.dns, "addr", "add", "192.168.2.99/24", "dev", "eth0")
    serve_cluster(node, "192.168.2.99")
    program.until(STEERED)
    assert get(node, "/ready") == "OK 200"
    program.send(signal.SIGTERM)
    assert program.wait() == 0
    assert is_untouched(node)


def test_both_families_are_steered_by_one_process(node: World, start: Start) -> None:
    program = start(node, addresses=BOTH_FAMILIES)
    program.until(STEERED)
    shown = node.on_node("ip", "addr", "show", "nodelocaldns")
    assert all(address in shown for address in BOTH_FAMILIES)
    assert "steering: 169.254.20.10, fd00:20::10, 10.96.0.10, fd00:96::a: rung 1" in program.said


@pytest.mark.parametrize(
    ("flags", "shown"),
    [
        pytest.param(("-setupinterface=false",), False, id="-setupinterface=false"),
        pytest.param(("-setupiptables=false",), True, id="-setupiptables=false"),
        pytest.param(("-interfacename=other", "-interfacekind=tun"), False, id="-interfacename"),
    ],
)
def test_flags_say_what_is_ours_to_set(node: World, start: Start, flags: tuple[str, ...], *, shown: bool) -> None:
    if "-setupinterface=false" in flags:
        for address in ADDRESSES:
            node.on_node("ip", "addr", "add", f"{address}/32", "dev", "lo")
    program = start(node, *flags)
    program.until(STEERED)
    assert ("nodelocaldns" in node.on_node("ip", "link")) is shown
    assert ("nodens-" in node.on_node("nft", "list", "tables")) is ("-setupiptables=false" not in flags)
    program.send(signal.SIGTERM)
    assert program.wait() == 0


def test_skipteardown_leaves_the_originals_rules_and_says_no_teardown(node: World, start: Start) -> None:
    program = start(node, "-skipteardown")
    program.until(STEERED)
    program.send(signal.SIGTERM)
    assert program.wait() == 0
    assert "Tearing down" not in program.said
    assert node.on_node("iptables-nft-save", "-t", "raw").count("skip conntrack") == 16
    assert not is_untouched(node)
    assert is_untouched(node)


def test_a_taken_port_is_refused_with_its_holder_before_anything_changes(node: World, start: Start) -> None:
    node.on_node("ip", "addr", "add", "169.254.20.10/32", "dev", "lo")
    holder = node.serve(node.node, "169.254.20.10", b"x")
    program = start(node)
    assert program.wait() == 1
    node.stop(holder)
    assert f"169.254.20.10:53/udp: cannot bind: address in use (pid {os.getpid()}, `" in program.said
    node.on_node("ip", "addr", "del", "169.254.20.10/32", "dev", "lo")
    assert is_untouched(node)


def test_an_invalid_config_is_refused_before_anything_changes(node: World, start: Start) -> None:
    program = start(node, upstream="nobody.example {")
    assert program.wait() == 1
    assert "Corefile.base:" in program.said
    assert is_untouched(node)


@pytest.mark.parametrize("name", ["net_admin", "net_bind_service"])
def test_a_missing_capability_is_named_before_anything_changes(node: World, tmp_path: Path, name: str) -> None:
    said = run_once(node, tmp_path, before="true", around=("capsh", f"--drop=cap_{name}", "--", "-c", 'exec "$@"', "-"))
    assert f"it has no capability CAP_{name.upper()}" in said
    assert "hint: add it under `securityContext.capabilities.add`" in said
    assert is_untouched(node)


@pytest.mark.parametrize("flags", [(), ("-steering=iptables",)], ids=["nft", "iptables"])
@pytest.mark.parametrize("folder", ["/proc", "/run"])
def test_a_folder_that_is_read_only_is_no_hindrance(
    node: World, tmp_path: Path, folder: str, flags: tuple[str, ...]
) -> None:
    """Where it is one, the next test's refusal is what is said."""
    said = run_once(node, tmp_path, *flags, before=f"mount --bind {folder} {folder}; mount -o remount,ro,bind {folder}")
    assert "[INFO] steering: " in said
    assert is_untouched(node)


def test_a_lock_that_cannot_be_had_is_refused_before_anything_changes(
    make_node: Callable[[str], World], tmp_path: Path
) -> None:
    """As on a node with a read-only /run that nobody has used iptables-legacy on."""
    node = make_node("legacy")
    said = run_once(node, tmp_path, "-steering=iptables", before="export XTABLES_LOCKFILE=/proc/none")
    assert "iptables-legacy-restore: cannot load the iptables rules: " in said
    assert "/proc/none" in said
    assert "Added interface" not in said
    assert is_untouched(node)


def test_what_is_steered_is_told_in_metrics(node: World, start: Start) -> None:
    program = start(node)
    program.until(STEERED)
    page = node.on_node("curl", "-s", "http://127.0.0.1:9353/metrics")
    assert "nodens_steered 1\n" in page
    assert 'nodens_steering_rung{link="tun",rules="nft"} 1\n' in page
    assert "nodens_steering_last_repair_timestamp_seconds 0\n" in page
    node.on_node("ip", "addr", "del", f"{BORROWED[0]}/32", "dev", "nodelocaldns")
    program.until("Added back address 10.96.0.10")
    assert "nodens_steering_last_repair_timestamp_seconds 1." in node.on_node(
        "curl", "-s", "http://127.0.0.1:9353/metrics"
    )
