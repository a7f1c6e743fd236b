"""Runs inside user-mode-linux: kube-proxy's IPVS has the service's address, the program only the link-local one."""

from __future__ import annotations

import json
import signal
import sys

from small_kernel import ask, doctor, rules, small_world, steering, traces
from small_world import BORROWED, CLUSTER, OWN, World, run

MODULES = ("veth", "iptable_nat", "xt_MASQUERADE", "xt_addrtype", "ip_vs", "ip_vs_rr")
SERVICE, SERVER = f"{BORROWED[0]}:53", f"{CLUSTER[BORROWED[0]]}:53"


def balance(world: World) -> None:
    """Do as kube-proxy's IPVS mode: the address on a link of its own, a virtual server, masquerading for the node."""
    world.on_node("ip", "link", "add", "kube-ipvs0", "type", "dummy")
    world.on_node("ip", "addr", "add", f"{BORROWED[0]}/32", "dev", "kube-ipvs0")
    world.on_node("sysctl", "-qw", "net.ipv4.vs.conntrack=1")
    for protocol in ("-u", "-t"):
        world.on_node("ipvsadm", "-A", protocol, SERVICE, "-s", "rr")
        world.on_node("ipvsadm", "-a", protocol, SERVICE, "-r", SERVER, "-m")
    restricted = ("!", "-s", "192.168.1.0/24", "-d", SERVER.partition(":")[0])
    world.on_node("iptables-legacy", "-t", "nat", "-A", "POSTROUTING", *restricted, "-j", "MASQUERADE")


def theirs(world: World) -> dict[str, str]:
    """What is kube-proxy's: it must be the same before, while and after."""
    return {
        "link": world.on_node("ip", "-o", "addr", "show", "kube-ipvs0"),
        "servers": world.on_node("ipvsadm", "-S", "-n"),
        "nat": world.on_node("iptables-legacy", "-t", "nat", "-S"),
    }


def connections(world: World) -> dict[str, int]:
    """How many connections of a pod and of the node IPVS has sent to cluster DNS; it remembers each for minutes."""
    rows = [line.split() for line in world.on_node("ipvsadm", "-L", "-n", "-c").splitlines()]
    clients = [row[3] for row in rows if len(row) == 6 and row[4] == SERVICE]
    of_pods = sum(client.startswith("192.168.1.10:") for client in clients)
    return {"pod": of_pods, "node": len(clients) - of_pods}


def main() -> None:
    run("modprobe", "-a", *MODULES)
    with small_world() as world:
        balance(world)
        told: dict[str, object] = {"theirs": [theirs(world)], "before": ask(world, BORROWED[0])}
        # Its upstream is the service, as kube-proxy's IPVS mode has it: the link-local address is not asked in circles.
        with steering(world, "ipvs", addresses=(OWN[0],), upstream=BORROWED[0]) as (program, took_s):
            told["steered_s"] = took_s
            told["said"] = program.said
            told["addresses"] = world.on_node("ip", "-o", "addr", "show", "nodelocaldns")
            told["rules"] = rules(world)
            told["theirs"] = [*told["theirs"], theirs(world)]  # type: ignore[misc]  # a list, see above
            seen = [connections(world)]
            told["own"] = [ask(world, OWN[0], how) for how in ("+notcp", "+tcp")]
            seen.append(connections(world))
            told["own_again"] = [ask(world, OWN[0]) for _ in range(3)]
            seen.append(connections(world))
            told["service"] = [ask(world, BORROWED[0], how) for how in ("+notcp", "+tcp", "+notcp")]
            told["connections"] = [*seen, connections(world)]
            told["doctor"] = doctor(world, OWN[0])
            program.send(signal.SIGTERM)
            told["code"] = program.wait()
        told["after"] = ask(world, BORROWED[0])
        told["traces"] = traces(world)
        told["theirs"] = [*told["theirs"], theirs(world)]  # type: ignore[misc]  # a list, see above
    json.dump(told, sys.stdout)


main()
