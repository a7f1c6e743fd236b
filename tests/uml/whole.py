"""Runs inside user-mode-linux: the whole program with `dummy` and legacy iptables, from start to each of its ends."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from threading import Event

from node_life import ADDRESSES, Load, in_namespace, stand_in
from small_kernel import ask, nodens, rules, small_world, steering, traces
from small_world import BORROWED, OWN, World, proxy, run

MODULES = ("veth", "iptable_nat", "ip6table_nat", "xt_nat", "xt_MASQUERADE", "iptable_mangle", "ip6table_mangle")
RATE = 100  # this kernel has one processor, and each system call costs several of the host's


def serve_and_end(world: World) -> dict[str, object]:
    """Start, look at everything, end in good order."""
    told: dict[str, object] = {"before": ask(world, BORROWED[0])}
    with steering(world, "first", addresses=ADDRESSES) as (program, took_s):
        told["steered_s"] = took_s
        told["said"] = program.said
        told["addresses"] = world.on_node("ip", "addr", "show", "nodelocaldns")
        told["rules"] = rules(world)
        told["answers"] = [ask(world, address, how) for address in ADDRESSES for how in ("+notcp", "+tcp")]
        told["threads"] = Path(f"/proc/{program.pid}/status").read_text().partition("Threads:")[2].split()[0]
        load = Load(world, BORROWED[0], RATE)
        Event().wait(1)
        program.send(signal.SIGTERM)
        told["code"] = program.wait()
        Event().wait(0.3)
        story = load.end()
        told["story"] = str(story)
        told["lost"] = len(story.lost)
        told["by"] = {who: story.by(who) for who in ("node", "cluster")}
    told["rules_after"] = rules(world)
    told["traces"] = traces(world)
    told["after"] = ask(world, BORROWED[0])
    return told


def be_killed(world: World) -> dict[str, object]:
    """Die without a word: how long pods wait for cluster DNS, and what is left."""
    with steering(world, "second", addresses=ADDRESSES) as (program, _):
        load = Load(world, BORROWED[0], RATE)
        Event().wait(0.5)
        at = program.send(signal.SIGKILL)
        program.wait()
        told: dict[str, object] = {"rules": rules(world)}
        Event().wait(3)
        story = load.end()
        told["story"] = str(story)
        told["cluster_after_s"] = story.first_by("cluster", at)
    told["traces"] = traces(world)
    return told


def start_over_left_overs(world: World) -> dict[str, object]:
    """Start after that, be killed again, and let `release` look."""
    with steering(world, "third", addresses=ADDRESSES) as (program, took_s):
        told: dict[str, object] = {"rules": rules(world), "steered_s": took_s, "answer": ask(world, BORROWED[0])}
        told["addresses"] = world.on_node("ip", "addr", "show", "nodelocaldns")
        program.send(signal.SIGKILL)
        program.wait()
    told["release"] = nodens(world, "release")
    told["release_again"] = nodens(world, "release")
    told["rules_after"] = rules(world)
    return told


def leave_all(world: World) -> dict[str, object]:
    """End with `-skipteardown`, as the original's rules: they stay until `release`."""
    with steering(world, "fourth", "-skipteardown", addresses=ADDRESSES) as (program, _):
        told: dict[str, object] = {"rules": rules(world), "said": program.said}
        program.send(signal.SIGTERM)
        told["code"] = program.wait()
    told["rules_after"] = rules(world)
    told["release"] = nodens(world, "release")
    told["traces"] = traces(world)
    return told


def find_a_dummy(world: World, name: str, *flags: str) -> dict[str, object]:
    """Start where a dummy of our name stands, be killed, and see what is left of the link."""
    world.on_node("ip", "link", "add", "nodelocaldns", "type", "dummy")
    world.on_node("ip", "addr", "add", f"{OWN[0]}/32", "dev", "nodelocaldns")
    with steering(world, name, *flags, addresses=ADDRESSES) as (program, _):
        told: dict[str, object] = {"link": world.on_node("ip", "-d", "link", "show", "nodelocaldns")}
        told["said"] = program.said
        told["gauge"] = world.on_node("curl", "-s", "http://127.0.0.1:9353/metrics")
        program.send(signal.SIGKILL)
        program.wait()
    told["left"] = world.on_node("ip", "link", "show", "nodelocaldns", check=False)
    told["release"] = nodens(world, "release", "--force")
    return told


def replace_the_dummy_of_a_dead_one(world: World) -> dict[str, object]:
    """With tun in this kernel the link could go with us."""
    return find_a_dummy(world, "fifth")


def use_the_dummy_of_a_living_one(world: World) -> dict[str, object]:
    """A node-cache that still runs needs its link."""
    other = in_namespace(world.node, *stand_in(*ADDRESSES))
    assert other.stdout
    assert other.stdout.readline() == b"ready\n"
    try:
        return find_a_dummy(world, "sixth", "-takeover")
    finally:
        other.kill()
        other.communicate()


def main() -> None:
    run("modprobe", "-a", *MODULES)
    with small_world() as world:
        proxy(world, "legacy")
        told = {story.__name__: story(world) for story in (serve_and_end, be_killed, start_over_left_overs, leave_all)}
        run("modprobe", "tun")
        told |= {
            story.__name__: story(world) for story in (replace_the_dummy_of_a_dead_one, use_the_dummy_of_a_living_one)
        }
    json.dump(told, sys.stdout)


main()
