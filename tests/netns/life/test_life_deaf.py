"""Workers that turn and sockets that hear nothing: pods go to cluster DNS, and come back when questions are heard."""
# ruff: noqa: T201 - figures are printed, for those who run it with -s

from __future__ import annotations

import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event

import pytest
from node_life import Load, Program, in_namespace
from small_world import World, inside

pytestmark = pytest.mark.netns

Start = Callable[..., Program]
Begin = Callable[..., Load]
STEERED = r"^\[INFO\] steering: "
AGAIN = r"gives answers to ourselves again$"
NOBODY = ("setpriv", "--reuid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all")
LET_GO = r"traffic goes to cluster DNS until it does$"


def drop(world: World, what: str) -> None:
    """Let nothing in that fits, as a firewall may from one moment to the next."""
    chain = f"chain input {{\n type filter hook input priority 0\n {what} drop\n }}"
    world.on_node("nft", "-f", "-", text=f"table inet firewall {{\n {chain}\n}}\n")


def open_up(world: World) -> float:
    world.on_node("nft", "delete", "table", "inet", "firewall")
    return time.monotonic()


def page(world: World) -> str:
    return world.on_node("curl", "-s", "-m", "2", "http://127.0.0.1:9353/metrics")


@pytest.mark.parametrize("flags", [(), ("-steering=iptables",)], ids=["rung 1", "rung 4"])
def test_deaf_sockets_give_the_pods_to_cluster_dns_and_take_them_back(
    node: World, start: Start, load: Begin, flags: tuple[str, ...]
) -> None:
    program = start(node, *flags)
    program.until(STEERED)
    pod = load(node)
    Event().wait(0.5)
    at = time.monotonic()
    drop(node, "udp dport 53")
    program.until(LET_GO)
    Event().wait(1)
    told = page(node)
    back = open_up(node)
    program.until(AGAIN)
    program.until(STEERED, times=2)
    Event().wait(0.5)
    story = pod.end()
    took_s, back_s = story.first_by("cluster", at), story.first_by("node", back)
    print(f"deaf sockets: {story}; cluster DNS after {took_s:.1f} s, the node again {back_s:.1f} s after they hear")
    assert took_s <= 4
    assert back_s <= 4
    assert "169.254.20.10:53/udp: gives no answer to ourselves; expected one within 1.5 s" in program.said
    for line in (
        "nodens_steered 0",
        'nodens_steering_withheld{reason="deaf"} 1',
        'nodens_steering_let_go_total{reason="deaf"} 1',
        'nodens_listener_deaf{address="169.254.20.10:53"} 1',
        'coredns_nodecache_setup_errors_total{errortype="iptables"} 0',
    ):
        assert f"\n{line}\n" in told
    told = page(node)
    for line in ("nodens_steered 1", 'nodens_listener_deaf{address="169.254.20.10:53"} 0'):
        assert f"\n{line}\n" in told
    assert 'nodens_rejected_packets_total{reason="opcode"} 0\n' in told
    program.send(signal.SIGTERM)
    assert program.wait() == 0


def test_a_stranger_who_shares_the_port_and_answers_nothing_is_noticed(node: World, start: Start, load: Begin) -> None:
    """One of several sockets of the address is deaf: a part of the queries is lost, whoever's socket it is."""
    program = start(node)
    program.until(STEERED)
    pod = load(node)
    with inside(node.node), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        stranger.setsockopt(socket.IPPROTO_IP, 15, 1)  # IP_FREEBIND
        at = time.monotonic()
        stranger.bind(("169.254.20.10", 53))
        program.until(LET_GO)
        took_s = time.monotonic() - at
    program.until(STEERED, times=2)
    story = pod.end()
    print(f"one deaf socket of three: {story}; let go after {took_s:.1f} s")
    assert story.by("cluster") > 0
    assert story.lost == []  # the pod asked the other address


def test_nothing_is_steered_to_a_borrowed_address_that_stays_silent(node: World, start: Start, load: Begin) -> None:
    """It can be asked only once it is steered: that is tried for a second, and seldom."""
    drop(node, "ip daddr 10.96.0.10 udp dport 53")
    program = start(node, addresses=("10.96.0.10",))
    program.until(r"10\.96\.0\.10:53/udp: gives no answer to ourselves; traffic is not pointed here")
    pod = load(node)
    Event().wait(0.5)
    story = pod.end()
    assert story.by("cluster") == len(story.rows)
    assert 'nodens_steering_withheld{reason="deaf"} 1\n' in page(node)
    assert "[INFO] steering: " not in program.said
    open_up(node)
    program.until(STEERED)


def test_an_address_that_is_deaf_for_tcp_alone_stops_the_start(node: World, start: Start) -> None:
    drop(node, "ip daddr 169.254.20.10 tcp dport 53")
    program = start(node)
    assert program.wait() == 1
    assert "169.254.20.10:53/tcp: gives no answer to ourselves; expected one within 3 s" in program.said


def test_a_successor_of_one_that_hangs_does_not_steer_at_sockets_that_it_shares(
    node: World, start: Start, load: Begin
) -> None:
    """Half of what is asked there would be the hung one's: cluster DNS answers until it has gone."""
    first = start(node)
    first.until(STEERED)
    pod = load(node)
    Event().wait(0.3)
    first.send(signal.SIGSTOP)
    Event().wait(2.5)  # the rules outlive the last beat by two seconds
    at = time.monotonic()
    second = start(node, "-takeover")
    second.until(r"169\.254\.20\.10:53/udp.*: gives no answer to ourselves; traffic is not pointed here")
    Event().wait(2)
    gone = first.send(signal.SIGKILL)
    second.until(STEERED)
    assert second.said.count("[INFO] steering: ") == 1
    Event().wait(0.5)
    story = pod.end()
    print(f"beside one that hangs: {story}; steered {story.first_by('node', gone):.1f} s after its end")
    assert story.by("silence", since=at) == 0
    assert story.by("node", since=gone) > 0


TAKES_PORTS = """
import socket, sys
held = []
for port in range(int(sys.argv[1]), int(sys.argv[2])):
    taking = socket.socket(socket.AF_INET, getattr(socket, sys.argv[3]))
    try:
        taking.bind(("169.254.20.10", port))
    except OSError:
        pass
    held.append(taking)
print("ready", flush=True)
sys.stdin.read()
"""


@contextmanager
def all_ports_taken(node: World) -> Iterator[None]:
    """Somebody without any rights has every port that is given without being named, for both protocols."""
    node.on_node("sysctl", "-qw", "net.ipv4.ip_local_port_range=32768 33999")  # as if he had time for all
    processes = [
        in_namespace(node.node, *NOBODY, sys.executable, "-c", TAKES_PORTS, str(first), str(first + 616), kind)
        for first in (32768, 33384)
        for kind in ("SOCK_DGRAM", "SOCK_STREAM")
    ]
    try:
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
        yield
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_somebody_who_takes_all_ports_does_not_make_deafness_go_unseen(node: World, start: Start) -> None:
    program = start(node)
    program.until(STEERED)
    with all_ports_taken(node):
        drop(node, "ip daddr 169.254.20.10 udp dport 53")
        program.until(LET_GO)
    assert "cannot be asked" not in program.said


def test_a_start_among_taken_ports_says_what_is_so(node: World, start: Start) -> None:
    """No upstream can be asked then, so nothing is steered; but the address is there."""
    node.on_node("ip", "addr", "add", "169.254.20.10/32", "dev", "lo")
    with all_ports_taken(node):
        program = start(node)
        program.until("no upstream answers: ")
        assert "not on this node" not in program.said
    program.until(STEERED)
