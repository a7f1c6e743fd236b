"""Runs inside user-mode-linux: steers by the rung that this kernel gives, and prints what it saw as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import time

from nodens import network

OWN = ("169.254.20.10", "fd00:20::10")
BORROWED = ("10.96.0.10", "fd00:96::a")
DEADLINE_S = 10.0


def run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def seconds_until_let_go(steered: network.Steered) -> float:
    """Ask the kernel until the gate is empty."""
    start = time.monotonic()
    while steered.steered():
        assert time.monotonic() - start < DEADLINE_S
    return time.monotonic() - start


def main() -> None:
    told: dict[str, object] = {}
    kernel = network.probe((4, 6), wants_iptables=True)
    rung = network.choose(network.Wishes(), kernel)
    told["rung"] = str(rung)
    told["flavour"] = kernel.iptables.flavour if kernel.iptables else None
    plan = network.SteeringPlan(
        own_addresses=OWN, borrowed_addresses=BORROWED, rung=rung, instance="uml", hold_ms=2_000
    )
    with network.holding(plan) as link, network.steering(plan, link) as steered:
        told["addresses"] = run("ip", "addr", "show", "nodelocaldns")
        told["routes"] = [run("ip", "route", "get", address) for address in (OWN[0], BORROWED[0])]
        told["raw"] = run("iptables-legacy", "-t", "raw", "-S").splitlines()
        told["raw6"] = run("ip6tables-legacy", "-t", "raw", "-S").splitlines()
        told["input"] = run("iptables-legacy", "-S", "INPUT").splitlines()
        told["missing"] = steered.missing()
        steered.beat()
        told["steered"] = sorted(steered.steered())
        told["let_go_s"] = seconds_until_let_go(steered)
        steered.beat()
        told["steered_again"] = sorted(steered.steered())
        with steered.watch() as watch:
            watch.touched()
            run("ip", "link", "del", "nodelocaldns")
            run("iptables-legacy", "-t", "raw", "-F")
            told["noticed"] = sorted(watch.wait(1.0))
            told["repaired"] = steered.repair()
            told["missing_after"] = steered.missing()
    told["released_by_itself"] = [str(trace) for trace in network.release().found]

    link = network.Link("nodelocaldns", network.LinkKind.DUMMY)
    link.want(*plan.addresses)
    network.Steered(plan, link).steer()  # and dies without a word
    told["found"] = [str(trace) for trace in network.release().found]
    told["found_again"] = [str(trace) for trace in network.release().found]
    json.dump(told, sys.stdout)


main()
