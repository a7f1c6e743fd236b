"""What happens to pods when the agent dies, hangs, or is replaced. Figures are printed; run with -s to see them."""
# ruff: noqa: T201 - figures are printed, for those who run it with -s

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable

import pytest
from small_world import BORROWED, HERE, OWN, PACKAGE, Holder, World, inside, plan_of, run, rung

from nodens import network
from nodens.errors import NetworkError

pytestmark = pytest.mark.netns

Hold = Callable[..., Holder]


@pytest.mark.parametrize("address", BORROWED)
def test_after_sigkill_the_kernel_removes_table_and_tun_and_cluster_dns_answers(
    world: World, hold: Hold, address: str
) -> None:
    holder = hold(world, plan_of(rung()))
    world.wait_until(address, "node")
    holder.kill()
    gap_s = world.wait_until(address, "cluster")
    print(f"SIGKILL on the first rung: {address} answered by cluster DNS after {gap_s * 1000:.0f} ms")
    assert gap_s < 1
    assert world.on_node("nft", "list", "tables").split("\n")[:-1] == [
        "table ip kube-proxy",
        "table ip6 kube-proxy",
    ]
    with inside(world.node):
        assert network.release().found == []


def test_after_sigkill_rules_that_stay_leave_pods_without_dns_until_release(world: World, hold: Hold) -> None:
    """The original's design, as a measure: this is the outage that the other rungs do not have."""
    holder = hold(world, plan_of(rung("iptables", "nothing")))
    world.wait_until(BORROWED[0], "node")
    holder.kill()
    assert [world.ask(BORROWED[0], wait_s=0.1) for _ in range(5)] == ["silence"] * 5
    with inside(world.node):
        assert network.release().is_clean
    assert world.ask(BORROWED[0]) == "cluster"


GATES = (
    pytest.param(rung(), id="an owned nft table"),
    pytest.param(rung(let_go="timeout"), id="an nft table without an owner"),
    pytest.param(rung("iptables", "timeout"), id="iptables with an ipset"),
)


@pytest.mark.parametrize("wanted", GATES)
def test_when_beats_stop_cluster_dns_answers_and_when_they_go_on_we_do(
    world: World, hold: Hold, wanted: network.Rung
) -> None:
    holder = hold(world, plan_of(wanted, hold_ms=1_000))
    world.wait_until(BORROWED[0], "node")
    assert holder.tell("hush") == "done"
    took_s = world.wait_until(BORROWED[0], "cluster")
    print(f"beats stopped, {wanted.spelling}, hold 1000 ms: cluster DNS after {took_s * 1000:.0f} ms")
    assert 0.3 < took_s < 1.5, "not before its time (less a beat), and not much after"
    assert holder.tell("beat") == "done"
    back_s = world.wait_until(BORROWED[0], "node")
    print(f"beats again: we answer after {back_s * 1000:.0f} ms")


@pytest.mark.parametrize("wanted", GATES[1:])
def test_after_sigkill_a_gate_without_an_owner_empties_by_itself(
    world: World, hold: Hold, wanted: network.Rung
) -> None:
    holder = hold(world, plan_of(wanted, hold_ms=1_000))
    world.wait_until(BORROWED[0], "node")
    holder.kill()
    took_s = world.wait_until(BORROWED[0], "cluster")
    print(f"SIGKILL, {wanted.spelling} without an owner, hold 1000 ms: cluster DNS after {took_s * 1000:.0f} ms")
    assert took_s < 1.5
    with inside(world.node):
        assert network.release().is_clean
        assert network.release().found == []


@pytest.mark.parametrize("wanted", GATES)
def test_no_packet_finds_the_gate_empty_while_it_is_refreshed(world: World, wanted: network.Rung) -> None:
    """A packet that did would be translated, and leave an entry in conntrack."""
    plan = plan_of(wanted)
    is_over = threading.Event()
    sent = 0
    with inside(world.pod):
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def flood() -> None:
        nonlocal sent
        while not is_over.is_set():
            client.sendto(b"x", (BORROWED[0], 53))
            sent += 1

    pod = threading.Thread(target=flood)
    with inside(world.node), network.holding(plan) as link, network.steering(plan, link) as steered, client:
        world.serve(world.node, BORROWED[0], b"node")
        pod.start()
        try:
            for _ in range(500):
                steered.beat()
        finally:
            is_over.set()
            pod.join()
        print(f"500 beats among {sent} packets, {wanted.spelling}")
        assert sent > 500
        assert world.entries() == []


def test_table_and_tun_are_handed_over_and_outlive_the_process_that_made_them(world: World, hold: Hold) -> None:
    plan = plan_of(rung())
    name = f"nodens-test-{os.getpid()}"
    old = hold(world, plan, "give", name)
    new = hold(world, plan, "take", name)
    assert old.hear() == "ready"
    old.kill()
    assert world.ask(BORROWED[0]) == "node"
    assert new.tell("unsteer") == "done"
    assert world.ask(BORROWED[0]) == "cluster"
    assert new.tell("steer") == "done"
    assert world.ask(BORROWED[0]) == "node"
    new.kill()
    assert world.wait_until(BORROWED[0], "cluster") < 1
    with inside(world.node):
        assert network.release().found == []


def test_two_agents_of_different_names_steer_side_by_side(world: World, hold: Hold) -> None:
    """A surge: the new one starts while the old one runs; each may go without harm to the other."""
    one = hold(world, plan_of(rung(), instance="one"))
    two = hold(world, plan_of(rung(), instance="two"))
    one.kill()
    assert [world.ask(BORROWED[0]) for _ in range(20)] == ["node"] * 20
    assert two.tell("leave") == "done"
    assert world.wait_until(BORROWED[0], "cluster") < 1


def test_a_table_of_a_living_owner_cannot_be_taken_by_another_of_its_name(world: World, hold: Hold) -> None:
    plan = plan_of(rung())
    hold(world, plan)
    with (
        inside(world.node),
        pytest.raises(NetworkError) as caught,
        network.holding(plan) as link,
        network.steering(plan, link),
    ):
        pytest.fail("it steered")
    assert caught.value.step == network.Step.LOAD_TABLE
    assert caught.value.errno == 1
    assert "another agent owns a table of this name" in str(caught.value)


def test_an_agent_that_is_told_to_leave_things_behind_leaves_them(world: World) -> None:
    """-skipteardown: the next process finds link and rules as they were."""
    run("ip", "-n", world.node, "tuntap", "add", "nodelocaldns", "mode", "tun", "multi_queue")  # persists, as a dummy
    plan = plan_of(rung("iptables", "nothing"), is_left=True)
    with inside(world.node):
        with network.holding(plan) as link, network.steering(plan, link):
            pass
        left = [trace.what for trace in network.release().found]
    assert len(left) == 5, left
    assert left[-1].startswith("link nodelocaldns (tun, ")
    assert set(OWN + BORROWED) <= set(left[-1].strip(")").split(", "))


def test_without_the_capability_nothing_is_changed_and_the_errno_is_kept(world: World) -> None:
    program = (
        "import sys\n"
        f"sys.path[:0] = {[str(HERE)]!r}\n"
        "from small_world import plan_of, rung\n"
        "from nodens import network\n"
        "from nodens.errors import NetworkError\n"
        "kernel = network.probe((4, 6))\n"
        "print(kernel.no_tun, kernel.has_tables, kernel.has_owned_tables)\n"
        "try:\n"
        "    with network.holding(plan_of(rung())): pass\n"
        "except NetworkError as error:\n"
        "    print(error, '|', error.errno, '|', network.error_type(error))\n"
    )
    told = world.on_node(
        "env", f"PYTHONPATH={PACKAGE}", "setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin",
        sys.executable, "-c", program,
    )  # fmt: skip
    assert "operation not permitted False False" in told
    assert "nodelocaldns: cannot add the link: operation not permitted (EPERM) | 1 | interface_add" in told
