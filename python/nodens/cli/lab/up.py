"""nodens lab up: raise the world, telling each step; all of it or nothing."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from typing import TYPE_CHECKING

from nodens.cli.lab.where import add_world
from nodens.cli.live_line import CLEAR_LINE
from nodens.cli.readers import one_of
from nodens.lab.world import Place, Progress, ProxyMode, Wish, World, find, is_alive, refuse_two, require, up

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(words: Sequence[str]) -> int:
    """Raise it; if it stands already, say so."""
    parser = argparse.ArgumentParser(
        prog="nodens lab up",
        description="Raise the lesson's world: nodes k01-control-plane, k01-worker and k01-worker2 as network "
        "namespaces on 172.18.0.0/16, pods on 192.168.0.0/16, Services on 10.96.0.0/16, two cluster-DNS pods "
        "behind 10.96.0.10, a resolver outside, kube-proxy's rules on every node, and the pod dns-test. The node "
        "cache is not installed: that is the lesson.",
    )
    parser.add_argument(
        "--proxy",
        type=one_of("a mode of the lab's kube-proxy", ProxyMode.IPTABLES, ProxyMode.NFTABLES),
        metavar="{iptables,nftables}",
        default=ProxyMode.IPTABLES,
        help="kube-proxy's mode (default: %(default)s)",
    )
    parser.add_argument("--dual-stack", action="store_true", help="IPv6 beside IPv4")
    add_world(parser)
    asked = parser.parse_args(words)
    require()
    place, wish = Place(asked.world), Wish(mode=asked.proxy, dual_stack=asked.dual_stack)
    refuse_two(place)
    if world := find(place):
        return _already(world, wish)
    began = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # both ends of an `up` take everything back
    try:
        up(place, wish, _tell)
    except KeyboardInterrupt:
        sys.stderr.write("\nlab: interrupted; everything was taken back\n")
        return 5
    print(
        f"the world stands after {time.monotonic() - began:.1f} s; the node cache is not installed yet\n{_after(place)}"
    )
    return 0


def _after(place: Place) -> str:
    """Say what can be typed now."""
    return (
        f"\nlook round:  {place.line('status')}\n"
        f"             {place.line('shell dns-test')} -- nslookup kubernetes.default\n"
        f"             {place.line('shell k01-worker')}\n"
        f"take away:   {place.line('down')}"
    )


def _already(world: World, wish: Wish) -> int:
    """Say that it stands; another wish is not granted in passing."""
    families = "IPv4 and IPv6" if world.dual_stack else "IPv4"
    print(f"a world stands already at {world.place.folder}: kube-proxy's mode {world.mode}, {families}")
    if dead := [program for program in world.programs() if not is_alive(program)]:
        names = ", ".join(f"{program.name} on {program.room}" for program in dead)
        sys.stderr.write(f"lab: ended since: {names}\nhint: {world.place.line('down')}, then up again\n")
        return 5
    if (world.mode, world.dual_stack) == (wish.mode, wish.dual_stack):
        return 0
    sys.stderr.write(f"lab: it is another one than asked for\nhint: {world.place.line('down')}, then up again\n")
    return 5


def _tell(progress: Progress) -> None:
    """Write a step when it begins, and the time it took when it is done."""
    head = f"[{progress.number}/{progress.of}] {progress.what}"
    if progress.seconds is not None:
        print(f"{CLEAR_LINE if sys.stdout.isatty() else ''}{head}  {progress.seconds * 1000:.0f} ms", flush=True)
    elif sys.stdout.isatty():
        print(f"{head} ...", end="", flush=True)
