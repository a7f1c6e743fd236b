"""The world answers as the lesson says: by either cluster-DNS pod, over both transports, in each mode."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from threading import Thread

import pytest

from nodens.errors import LabError
from nodens.lab.world import CLUSTER_DNS, Furniture, Place, World, inside, kube_dns_upstream, proxy_iptables, run

pytestmark = pytest.mark.netns

WORLDS = [
    pytest.param(("iptables", False), id="iptables"),
    pytest.param(("iptables", True), id="iptables, both families"),
    pytest.param(("nftables", False), id="nftables"),
    pytest.param(("nftables", True), id="nftables, both families"),
]
every_world = pytest.mark.parametrize("raised", WORLDS, indirect=True)
one_world = pytest.mark.parametrize("raised", WORLDS[:1], indirect=True)
KUBERNETES = "kubernetes.default.svc.cluster.local"
RESOLV_CONF = b"""\
search default.svc.cluster.local svc.cluster.local cluster.local
nameserver 10.96.0.10
options ndots:5
"""
ENOUGH = 64  # questions until both of two pods have answered; the odds of less are one in 2^63


def answers(  # noqa: PLR0917 - a question, whom, from where, how
    world: World, room: str, server: str, name: str, qtype: str = "A", transport: str = "udp"
) -> list[str]:
    return [record.text for record in world.ask(room, server, name, qtype, transport).answers]


def answered_by(world: World) -> set[str]:
    """Whom the worker translated queries to, as it tracked them."""
    lines = []
    for family in ("ipv4", "ipv6"):
        lines += world.run("k01-worker", "conntrack", "-L", "-f", family, check=False).stdout.splitlines()
    return {line.split("src=")[2].split()[0] for line in lines if "dport=53" in line}


@every_world
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_either_cluster_dns_pod_answers_through_kube_proxy(raised: World, transport: str) -> None:
    for address in raised.topology.service("kube-dns").address.all:
        raised.run("k01-worker", "conntrack", "-F")
        family = 6 if ":" in address else 4
        wanted = {pod.address.of(family) for pod in raised.topology.pods_of("kube-dns")}
        for _ in range(ENOUGH):
            assert answers(raised, "dns-test", address, KUBERNETES, transport=transport) == ["10.96.0.1"]
            if answered_by(raised) == wanted:
                break
        assert answered_by(raised) == wanted


@every_world
def test_a_node_is_answered_through_kube_proxy_as_well(raised: World) -> None:
    for address in raised.topology.service("kube-dns").address.all:
        assert answers(raised, "k01-worker2", address, KUBERNETES) == ["10.96.0.1"]


@every_world
def test_names_of_the_world_outside_are_forwarded_and_others_do_not_exist(raised: World) -> None:
    assert answers(raised, "dns-test", "10.96.0.10", "example.com") == ["192.0.2.10"]
    assert answers(raised, "dns-test", "10.96.0.10", "example.com", "AAAA", "tcp") == ["2001:db8::10"]
    for name, flags in (("nowhere.example", {"ra"}), ("nope.default.svc.cluster.local", {"aa"})):
        denied = raised.ask("dns-test", "10.96.0.10", name)
        assert (denied.rcode, denied.flags & {"ra", "aa"}) == ("NXDOMAIN", flags)


@every_world
def test_services_have_the_names_that_coredns_gives_them(raised: World) -> None:
    addresses = raised.topology.service("kube-dns").address
    name = "kube-dns.kube-system.svc.cluster.local"
    assert answers(raised, "dns-test", "10.96.0.10", name) == [addresses.v4]
    assert answers(raised, "dns-test", "10.96.0.10", name, "AAAA") == ([addresses.v6] if addresses.v6 else [])
    assert answers(raised, "dns-test", "10.96.0.10", "10.0.96.10.in-addr.arpa", "PTR") == [f"{name}."]
    assert answers(raised, "dns-test", "10.96.0.10", f"_dns-tcp._tcp.{name}", "SRV") == [f"0 100 53 {name}."]


@pytest.mark.parametrize("raised", WORLDS[2:3], indirect=True)
def test_in_nftables_mode_a_port_that_the_service_has_not_is_refused(raised: World) -> None:
    with inside(raised.room("dns-test").namespace):
        asked = [
            run(["curl", "-sS", "-m", "1", f"http://{address}/"], check=False).code
            for address in ("10.96.0.10:54", "10.96.0.11:53")
        ]
    assert asked == [7, 28]  # refused at once; an address that no Service has is dropped, and curl gives up


@every_world
def test_a_service_comes_and_goes_with_its_name_and_its_rules(raised: World) -> None:
    upstream = kube_dns_upstream(dual_stack=raised.dual_stack)
    name = "kube-dns-upstream.kube-system.svc.cluster.local"
    before = [rules(raised, node.name) for node in raised.nodes]
    assert answers(raised, "dns-test", "10.96.0.10", name) == []
    raised.add_service(upstream)
    for address in upstream.address.all:
        assert answers(raised, "k01-worker", address, name, transport="tcp") == ["10.96.73.18"]
    raised.remove_service(upstream.name)
    assert answers(raised, "dns-test", "10.96.0.10", name) == []
    assert [rules(raised, node.name) for node in raised.nodes] == before


@one_world
def test_a_service_is_there_only_when_every_cluster_dns_pod_knows_it(raised: World) -> None:
    slow = raised.programs(role=CLUSTER_DNS)[1]
    os.kill(slow.pid, signal.SIGSTOP)
    adding = Thread(target=raised.add_service, args=(kube_dns_upstream(),))
    adding.start()
    adding.join(1)  # without the wait it is done by now
    assert adding.is_alive()
    os.kill(slow.pid, signal.SIGCONT)
    adding.join(5)
    assert not adding.is_alive()
    raised.remove_service("kube-dns-upstream")


@one_world
def test_the_kernel_lists_kube_proxys_rules_as_they_were_written(raised: World) -> None:
    written = proxy_iptables.compose_base(4) + proxy_iptables.compose_services(raised.topology, 4)
    wanted = [line.replace("0.5000000000", "0.50000000000") for line in written.splitlines() if line[:2] == "-A"]
    for node in raised.nodes:
        listed = raised.run(node.name, "iptables-save").stdout.splitlines()
        assert [line for line in wanted if line not in listed] == []
        natting = "-A POSTROUTING -s 192.168.0.0/16 ! -d 192.168.0.0/16 -m comment --comment natOutgoing"
        others = [line for line in listed if line[:2] == "-A" and line not in wanted]
        assert others == [f"{natting} -j MASQUERADE --random-fully"]


def rules(world: World, node: str) -> list[str]:
    """What stands in the kernel, without counters; in any order of chains."""
    text = world.run(node, "iptables-save", "-t", "nat").stdout + world.run(node, "nft", "list", "ruleset").stdout
    return sorted(line.partition(" [")[0] for line in text.splitlines() if line[:1] != "#" and "counter" not in line)


@one_world
def test_the_pods_resolv_conf_is_the_lessons_byte_for_byte_and_the_hosts_is_its_own(raised: World) -> None:
    host = Path("/etc/resolv.conf").read_bytes() if Path("/etc/resolv.conf").exists() else b""
    assert raised.run("dns-test", "cat", "/etc/resolv.conf").stdout.encode() == RESOLV_CONF
    assert raised.run("k01-worker", "cat", "/etc/resolv.conf").stdout == "nameserver 172.18.0.1\noptions ndots:0\n"
    assert host != RESOLV_CONF


@one_world
def test_nslookup_walks_the_search_list(raised: World) -> None:
    told = raised.run("dns-test", "nslookup", "kubernetes.default").stdout
    assert "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10#53\n" in told
    assert "Name:\tkubernetes.default.svc.cluster.local\nAddress: 10.96.0.1\n" in told


@one_world
def test_each_node_has_a_run_of_its_own_and_the_hosts_files(raised: World) -> None:
    raised.run("k01-worker", "sh", "-c", "echo mine > /run/pid")
    assert raised.run("k01-worker", "cat", "/run/pid", "/etc/hostname").stdout == "mine\nk01-worker\n"
    assert raised.run("k01-worker2", "cat", "/run/pid", check=False).code == 1
    assert not Path("/run/pid").exists()
    assert raised.room("k01-worker").path("/run/pid").read_text() == "mine\n"
    assert raised.run("k01-worker", "cat", "/etc/passwd").stdout == Path("/etc/passwd").read_text()
    raised.run("k01-worker", "rm", "/run/pid")


@one_world
def test_a_pod_on_a_nodes_network_has_its_files_and_the_nodes_lock(raised: World, tmp_path: Path) -> None:
    (tmp_path / "Corefile.base").write_text(". {\n}\n")
    furniture = Furniture(
        resolv_conf="nameserver 192.0.2.1\n", files={"/etc/Corefile": "mine"}, mounts={"/etc/coredns": tmp_path}
    )
    opened = raised.open_room("agent", "k01-worker", furniture)
    try:
        assert raised.run("agent", "cat", "/etc/resolv.conf", "/etc/Corefile").stdout == "nameserver 192.0.2.1\nmine"
        assert raised.run("agent", "cat", "/etc/coredns/Corefile.base").stdout == ". {\n}\n"
        assert "172.18.0.3" in raised.run("agent", "ip", "addr").stdout
        locks = [
            raised.run(room, "stat", "-c", "%d:%i", "/run/xtables.lock").stdout for room in ("agent", "k01-worker")
        ]
        assert locks[0] == locks[1]
        with pytest.raises(LabError, match="a room `agent` is there already"):
            raised.open_room("agent", "k01-worker", furniture)
    finally:
        raised.close_room(opened.name)
    assert not opened.folder.exists()
    assert (tmp_path / "Corefile.base").exists()
    with pytest.raises(LabError, match="`agent` is not a room here"):
        raised.room("agent")


@one_world
def test_what_is_lost_on_purpose_is_lost_over_udp_and_tcp_until_it_ends(raised: World) -> None:
    raised.lose(100)
    for transport, says in (("udp", "no reply"), ("tcp", "cannot connect")):
        with pytest.raises(LabError, match=says):
            raised.ask("dns-test", "10.96.0.10", KUBERNETES, transport=transport, patience_s=0.3)
    raised.lose(0)
    assert answers(raised, "dns-test", "10.96.0.10", KUBERNETES, transport="tcp") == ["10.96.0.1"]
    assert answers(raised, "dns-test", "10.96.0.10", KUBERNETES) == ["10.96.0.1"]


@one_world
def test_one_percent_is_one_of_a_hundred_and_nothing_stays_after_it(raised: World) -> None:
    pod = raised.topology.pods_of("kube-dns")[0]
    raised.lose(1)
    listed = raised.run(pod.name, "nft", "list", "table", "inet", "nodens-lab-faults").stdout
    assert "th dport 53 numgen random mod 10000 < 100 counter" in listed
    assert raised.loss == {"cluster DNS": 1}
    raised.lose(0)
    assert raised.run(pod.name, "nft", "list", "ruleset").stdout == ""
    assert raised.loss == {}


def test_a_place_is_named_so_that_a_person_reads_it() -> None:
    with pytest.raises(LabError, match="`A b` is not a world's name"):
        Place("A b")
