"""Rules of either spelling point pods and the host itself at us, untracked; and everything is as before afterwards."""
# ruff: noqa: T201 - figures are printed, for those who run it with -s

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from small_world import BORROWED, CLUSTER, DEADLINE_S, OWN, World, inside, plan_of, rung

from nodens import network
from nodens.errors import NetworkError

pytestmark = pytest.mark.netns

RUNGS = (
    pytest.param(rung(), id="an owned nft table and a tun"),
    pytest.param(rung(let_go="timeout"), id="an nft table without an owner"),
    pytest.param(rung(let_go="nothing"), id="an nft table that stays"),
    pytest.param(rung("iptables", "timeout"), id="iptables with a gate"),
    pytest.param(rung("iptables", "nothing"), id="iptables that stay"),
)


@pytest.mark.parametrize("mode", ["nftables", "nft", "legacy"])
@pytest.mark.parametrize("wanted", RUNGS)
def test_pods_and_the_host_are_answered_by_us_untracked_and_by_cluster_dns_afterwards(
    make_world: Callable[[str], World], wanted: network.Rung, mode: str
) -> None:
    world = make_world(mode)
    plan = plan_of(wanted)
    with inside(world.node), network.holding(plan) as link:
        for address in plan.addresses:
            world.serve(world.node, address, b"node")
        with network.steering(plan, link) as steered:
            for address in plan.addresses:
                for where in (world.pod, world.node):
                    assert world.ask(address, where) == "node", (address, where)
            assert world.entries() == []
            assert set(steered.steered()) == set(plan.addresses)
            assert steered.missing() == ()
    for address in BORROWED:
        assert world.ask(address) == "cluster"
    assert len(world.entries()) == len(BORROWED), "kube-proxy tracks what it translates: the count above can see"
    with inside(world.node):
        assert network.release().found == []


def test_with_the_addresses_alone_pods_are_still_answered_by_cluster_dns(world: World) -> None:
    """Why addresses may come before the rules; and what the tests above would show if the rules did nothing."""
    plan = plan_of(rung())
    with inside(world.node), network.holding(plan) as link:
        assert link
        link.want(*BORROWED)
        for address in BORROWED:
            world.serve(world.node, address, b"node")
            assert world.ask(address) == "cluster"
    assert len(world.entries()) == len(BORROWED)


def test_no_query_is_lost_while_steering_comes_and_goes(world: World) -> None:
    """The pod asks without a pause; each answer may come from us or from cluster DNS, but one comes."""
    plan = plan_of(rung())
    told = {"node": 0, "cluster": 0, "silence": 0}
    is_over = threading.Event()
    answered = threading.Condition()

    def ask() -> None:
        while not is_over.is_set():
            who = world.ask(BORROWED[0], wait_s=1.0)
            with answered:
                told[who] += 1
                answered.notify_all()

    def wait_for(who: str) -> None:
        with answered:
            before = told[who]
            assert answered.wait_for(lambda: told[who] > before, timeout=DEADLINE_S), f"no answer from {who}: {told}"

    pod = threading.Thread(target=ask)
    with inside(world.node), network.holding(plan) as link:
        world.serve(world.node, BORROWED[0], b"node")
        pod.start()
        try:
            for _ in range(100):
                with network.steering(plan, link) as steered:
                    wait_for("node")
                    steered.unsteer()
                    wait_for("cluster")
        finally:
            is_over.set()
            pod.join()
    print(f"100 times steered and unsteered under load: {told}")
    assert told["silence"] == 0
    assert told["node"] >= 100
    assert told["cluster"] >= 100


def test_an_answer_given_while_we_drain_leaves_no_entry_that_would_swallow_the_next_query(world: World) -> None:
    """Were it tracked, the client's next query from the same port would be taken for its answer's answer."""
    plan = plan_of(rung())
    address = BORROWED[0]
    with inside(world.pod):
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with inside(world.node), network.holding(plan) as link, client:
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with network.steering(plan, link) as steered, server:
            server.bind((address, 53))
            server.settimeout(2)
            client.settimeout(2)
            client.sendto(b"first", (address, 53))
            _, asker = server.recvfrom(512)
            steered.unsteer()
            server.sendto(b"late", asker)
            assert client.recv(512) == b"late"
            assert world.entries() == []
            client.sendto(b"second", (address, 53))
            assert client.recv(512).startswith(b"cluster")


def test_the_gate_can_be_opened_again_after_unsteering(world: World) -> None:
    plan = plan_of(rung())
    with inside(world.node), network.holding(plan) as link, network.steering(plan, link) as steered:
        world.serve(world.node, BORROWED[0], b"node")
        for _ in range(3):
            steered.unsteer()
            steered.unsteer()
            assert world.ask(BORROWED[0]) == "cluster"
            steered.beat()
            assert world.ask(BORROWED[0]) == "cluster", "a beat does not steer what was unsteered"
            steered.steer()
            steered.steer()
            assert world.ask(BORROWED[0]) == "node"


def test_iptables_still_lists_its_raw_table_beside_ours_and_nft_lists_ours(world: World) -> None:
    plan = plan_of(rung())
    world.on_node("iptables-nft", "-t", "raw", "-A", "PREROUTING", "-d", "192.0.2.1", "-j", "NOTRACK")
    with inside(world.node), network.holding(plan) as link, network.steering(plan, link):
        assert "-A PREROUTING -d 192.0.2.1/32 -j" in world.on_node("iptables-nft", "-t", "raw", "-S")
        assert f"table inet {plan.table_name}" in world.on_node("nft", "list", "ruleset")


def test_the_kernel_shows_the_same_table_for_our_messages_as_for_our_text(world: World) -> None:
    plan = plan_of(rung(let_go="timeout"))
    text = network.nft_text(network.nft_table(replace(plan, instance="text"), has_owner=False, hold_ms=plan.hold_ms))
    with inside(world.node), network.holding(plan) as link, network.steering(plan, link):
        world.on_node("nft", "-f", "-", text=text)
        ours, theirs = (
            [
                line
                for line in world.on_node("nft", "-s", "list", "table", "inet", f"nodens-{name}").splitlines()
                if "expires" not in line and "table inet" not in line
            ]
            for name in (plan.instance, "text")
        )
    assert ours == theirs
    assert len(ours) > 30


def test_an_input_that_drops_needs_accept_rules_in_iptables(world: World) -> None:
    """An accept in our own table is not the last word: a chain of somebody else may still drop."""
    world.on_node("iptables-nft", "-P", "INPUT", "DROP")
    tracked = ("-m", "conntrack", "--ctstate", "NEW,RELATED,ESTABLISHED", "-j", "ACCEPT")
    world.on_node("iptables-nft", "-A", "INPUT", *tracked)
    with inside(world.node):
        chosen = network.choose(network.Wishes(), network.probe((4, 6)))
        assert chosen.accepts_by_iptables
        for wanted, answer in ((rung(), "silence"), (rung(accepts=True), "node"), (chosen, "node")):
            plan = plan_of(wanted)
            with network.holding(plan) as link, network.steering(plan, link):
                server = world.serve(world.node, BORROWED[0], b"node")
                assert world.ask(BORROWED[0]) == answer
                world.stop(server)
        assert network.release().found == []


def test_a_step_that_fails_undoes_those_before_it_and_keeps_the_kernels_errno(world: World) -> None:
    """IPv6 is shut off on the link after our own address was added: the borrowed one of IPv6 is refused."""
    plan = plan_of(rung(), own_addresses=OWN[:1])
    with inside(world.node), network.holding(plan) as link:
        world.on_node("sysctl", "-qw", "net.ipv6.conf.nodelocaldns.disable_ipv6=1")
        with pytest.raises(NetworkError) as caught, network.steering(plan, link):
            pytest.fail("it steered")
        assert caught.value.step == network.Step.ADD_ADDRESS
        assert caught.value.subject == BORROWED[1]
        assert caught.value.errno in (13, 1)
        assert "disable_ipv6" in str(caught.value)
        assert network.error_type(caught.value) is network.ErrorType.INTERFACE_ADD
        assert link
        assert link.wanted == OWN[:1]
        assert world.ask(BORROWED[0]) == "cluster"
    with inside(world.node):
        assert network.release().found == []


@pytest.mark.parametrize("wanted", RUNGS)
def test_tcp_is_steered_and_untracked_too(world: World, wanted: network.Rung) -> None:
    plan = plan_of(wanted)
    for service, server in CLUSTER.items():
        world.serve_tcp(world.dns, server, b"cluster")
        assert world.ask_tcp(service) == "cluster"
    world.forget()
    with inside(world.node), network.holding(plan) as link, network.steering(plan, link):
        for address in BORROWED:
            world.serve_tcp(world.node, address, b"node")
            assert world.ask_tcp(address) == "node"
        assert world.entries() == []
    assert world.ask_tcp(BORROWED[0]) == "cluster"


@pytest.mark.parametrize("wanted", RUNGS)
def test_addresses_change_and_the_one_that_stays_is_steered_all_the_time(world: World, wanted: network.Rung) -> None:
    """Both families, then IPv4 alone, then both again: under a flood to the address that stays nothing is tracked."""
    both = plan_of(wanted)
    one = replace(both, borrowed_addresses=BORROWED[:1], own_addresses=OWN[:1])
    is_over = threading.Event()
    with inside(world.pod):
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def flood() -> None:
        while not is_over.is_set():
            client.sendto(b"x", (BORROWED[0], 53))

    pod = threading.Thread(target=flood)
    with inside(world.node), network.holding(both) as link, network.steering(both, link) as steered, client:
        for address in BORROWED:
            world.serve(world.node, address, b"node")
        pod.start()
        try:
            for _ in range(3):
                steered.change(one)
                assert steered.missing() == ()
                assert world.ask(BORROWED[1]) == "cluster"
                world.on_node("conntrack", "-F", "-f", "ipv6", check=False)
                steered.change(both)
                assert world.ask(BORROWED[1]) == "node"
        finally:
            is_over.set()
            pod.join()
        assert [entry for entry in world.entries() if BORROWED[0] in entry] == []
        assert steered.missing() == ()
    with inside(world.node):
        assert network.release().found == []


def test_a_change_that_fails_leaves_the_old_plan_running(world: World) -> None:
    old = plan_of(rung(), own_addresses=OWN[:1], borrowed_addresses=BORROWED[:1])
    with inside(world.node), network.holding(old) as link, network.steering(old, link) as steered:
        world.serve(world.node, BORROWED[0], b"node")
        world.on_node("sysctl", "-qw", "net.ipv6.conf.nodelocaldns.disable_ipv6=1")
        with pytest.raises(NetworkError, match="disable_ipv6"):
            steered.change(replace(old, borrowed_addresses=BORROWED))
        assert steered.plan is old
        assert steered.missing() == ()
        assert world.ask(BORROWED[0]) == "node"
        with pytest.raises(NetworkError, match="another rung or instance needs a restart"):
            steered.change(replace(old, instance="other"))
