"""Runs inside user-mode-linux: kube-proxy's IPVS has the service's address, the program only the link-local one."""

from __future__ import annotations

import json
import signal
import sys

from small_kernel import ask, doctor, rules, small_world, steering, traces
from small_world import BORROWED, CLUSTER, OWN, World, run

MODULES = ("veth", "iptable_nat", "ip6table_nat", "xt_MASQUERADE", "xt_addrtype", "ip_vs", "ip_vs_rr")
SERVICE, SERVER = f"{BORROWED[0]}:53", f"{CLUSTER[BORROWED[0]]}:53"
SERVICE6, SERVER6 = f"[{BORROWED[1]}]:53", f"[{CLUSTER[BORROWED[1]]}]:53"


def balance(world: World) -> None:
    """Do as kube-proxy's IPVS mode: the address on a link of its own, a virtual server, masquerading for the node."""
    world.on_node("ip", "link", "add", "kube-ipvs0", "type", "dummy")
    world.on_node("ip", "addr", "add", f"{BORROWED[0]}/32", "dev", "kube-ipvs0")
    world.on_node("ip", "addr", "add", f"{BORROWED[1]}/128", "dev", "kube-ipvs0")
    world.on_node("sysctl", "-qw", "net.ipv4.vs.conntrack=1")
    for service, server in ((SERVICE, SERVER), (SERVICE6, SERVER6)):
        for protocol in ("-u", "-t"):
            world.on_node("ipvsadm", "-A", protocol, service, "-s", "rr")
            world.on_node("ipvsadm", "-a", protocol, service, "-r", server, "-m")
    for tool, pods, server in (
        ("iptables-legacy", "192.168.1.0/24", CLUSTER[BORROWED[0]]),
        ("ip6tables-legacy", "fd00:1::/64", CLUSTER[BORROWED[1]]),
    ):
        world.on_node(tool, "-t", "nat", "-A", "POSTROUTING", "!", "-s", pods, "-d", server, "-j", "MASQUERADE")


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


def be_killed(world: World) -> dict[str, object]:
    """Die without a word: the service is IPVS' as before, the link-local address nobody's until the next start."""
    addresses = (OWN[0], OWN[1])
    with steering(world, "killed", addresses=addresses, upstream=BORROWED[0]) as (program, _):
        told: dict[str, object] = {"own": [ask(world, address) for address in addresses]}
        told["service"] = [ask(world, address) for address in BORROWED]
        program.send(signal.SIGKILL)
        program.wait()
        told["service_after"] = [ask(world, address) for address in BORROWED]
        told["own_after"] = ask(world, OWN[0])
        told["left"] = traces(world)
    with steering(world, "again", addresses=addresses, upstream=BORROWED[0]) as (program, _):
        told["own_again"] = [ask(world, address) for address in addresses]
        program.send(signal.SIGTERM)
        told["code"] = program.wait()
    told["traces"] = traces(world)
    return told


def take_the_services_address(world: World) -> str:
    """Do what cannot work here, and be told."""
    with steering(world, "wrong", addresses=(OWN[0], BORROWED[0]), upstream=CLUSTER[BORROWED[0]]) as (program, _):
        program.send(signal.SIGTERM)
        program.wait()
        return program.said


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
        told["killed"] = be_killed(world)
        told["wrong"] = take_the_services_address(world)
        told["theirs"] = [*told["theirs"], theirs(world)]  # type: ignore[misc]  # a list, see above
    json.dump(told, sys.stdout)


main()
