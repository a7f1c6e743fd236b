"""Steers by a plan, answers every datagram with `node`, and beats: a small agent that a test may kill.

Orders come on standard input: `hush` stops beats, `beat` begins again, `unsteer`, `steer`, `leave`.
"""
# ruff: noqa: T201 - the test hears it by what it prints

from __future__ import annotations

import array
import json
import select
import socket
import sys

from nodens import network

BEAT_S = 0.2


def serve(address: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET:
        server.setsockopt(socket.IPPROTO_IP, 15, 1)  # IP_FREEBIND
    else:
        server.setsockopt(socket.IPPROTO_IPV6, 78, 1)  # IPV6_FREEBIND
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    server.bind((address, 53))
    return server


def take_over(name: str) -> tuple[int, socket.socket]:
    """Take tun and table from the process before us."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
        line.connect("\0" + name)
        _, parts, _, _ = line.recvmsg(1, socket.CMSG_SPACE(2 * array.array("i").itemsize))
        fds = array.array("i")
        fds.frombytes(parts[0][2])
        return fds[0], socket.socket(fileno=fds[1])


def hand_over(name: str, tun: int, table: int) -> None:
    """Give tun and table to the process after us, whoever comes first."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.bind("\0" + name)
        door.listen(1)
        print("ready", flush=True)
        line, _ = door.accept()
        with line:
            rights = array.array("i", [tun, table])
            line.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])


def main() -> None:
    wish = json.loads(sys.argv[1])
    rung = network.Rung(
        number=9,
        spelling=network.Spelling(wish["spelling"]),
        let_go=network.LetGo(wish["let_go"]),
        link=network.LinkKind(wish["link"]),
        accepts_by_iptables=False,
        reason="the test's",
    )
    plan = network.SteeringPlan(
        own_addresses=tuple(wish["own"]),
        borrowed_addresses=tuple(wish["borrowed"]),
        rung=rung,
        instance=wish["instance"],
        hold_ms=wish["hold_ms"],
    )
    words = sys.argv[2:]
    tun, table = take_over(words[1]) if words[:1] == ["take"] else (None, None)
    beats = True
    with network.holding(plan, tun) as link:
        assert link
        servers = [serve(address) for address in plan.addresses]
        with network.steering(plan, link, table) as steered:
            if words[:1] == ["give"]:
                assert link.tun is not None
                assert steered.table
                hand_over(words[1], link.tun, steered.table.fileno())
            print("ready", flush=True)
            while True:
                ready, _, _ = select.select([sys.stdin, *servers], [], [], BEAT_S)
                for server in servers:
                    if server in ready:
                        question, client = server.recvfrom(512)
                        server.sendto(b"node:" + question, client)
                if sys.stdin in ready:
                    word = sys.stdin.readline().strip()
                    if word == "steer":
                        steered.steer()
                    elif word == "unsteer":
                        steered.unsteer()
                    elif word == "leave":
                        break
                    beats = word != "hush" if word in {"hush", "beat"} else beats
                    print("done", flush=True)
                if beats:
                    steered.beat()
    print("done", flush=True)


main()
