"""The lab's smallest world for tests: a node, a pod, cluster DNS; who answers whom in it; and a holder to kill."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from nodens import network
from nodens.lab.host import Host
from nodens.lab.world import errands, inside
from nodens.lab.world.laying import connect, make_namespaces
from nodens.lab.world.small import DNS, NODE, POD, small, translate

HERE = Path(__file__).parent
PACKAGE = HERE.parents[2] / "python"
OWN = ("169.254.20.10", "fd00:20::10")
BORROWED = ("10.96.0.10", "fd00:96::a")
CLUSTER = {"10.96.0.10": "192.168.2.10", "fd00:96::a": "fd00:2::10"}
DEADLINE_S = 5.0


def run(*words: str, text: str | None = None, check: bool = True) -> str:
    """Run a tool and give what it prints."""
    done = errands.run(words, text=text, check=check, patience_s=20)
    return done.stdout + (done.stderr if not check else "")


def family_of(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


@dataclass
class World:
    """Three namespaces by name, and what is asked in them."""

    prefix: str
    servers: list[socket.socket] = field(default_factory=list)

    def __getattr__(self, name: str) -> str:
        if name in {NODE, POD, DNS}:
            return self.namespace(name)
        raise AttributeError(name)

    def namespace(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def host(self, name: str) -> Host:
        return Host(name=name, namespace=self.namespace(name))

    def raise_up(self) -> None:
        make_namespaces(small(), self.namespace)
        connect(small(), self.namespace)

    def take_down(self) -> None:
        self.close()
        for name in (NODE, POD, DNS):
            run("ip", "netns", "del", self.namespace(name), check=False)

    def on_node(self, *words: str, text: str | None = None, check: bool = True) -> str:
        return run("ip", "netns", "exec", self.node, *words, text=text, check=check)

    def serve(self, where: str, address: str, tag: bytes, port: int = 53) -> socket.socket:
        """Answer every datagram with a tag and what was asked, until the socket is closed."""
        with inside(where):
            server = socket.socket(family_of(address), socket.SOCK_DGRAM)
            if family_of(address) == socket.AF_INET:
                server.setsockopt(socket.IPPROTO_IP, 15, 1)  # IP_FREEBIND
            else:
                server.setsockopt(socket.IPPROTO_IPV6, 78, 1)  # IPV6_FREEBIND
            server.bind((address, port))
        self.servers.append(server)

        def answer() -> None:
            while True:
                try:
                    question, client = server.recvfrom(512)
                    if client is None:
                        return  # the socket was shut down
                    server.sendto(tag + b":" + question, client)
                except OSError:
                    return

        threading.Thread(target=answer, daemon=True).start()
        return server

    def ask(self, address: str, where: str | None = None, wait_s: float = 0.5) -> str:
        """Ask once from a new port: who answered, or `silence`."""
        with inside(where or self.pod):
            client = socket.socket(family_of(address), socket.SOCK_DGRAM)
        with client:
            client.settimeout(wait_s)
            try:
                client.connect((address, 53))
                client.send(b"who")
                return client.recv(512).split(b":")[0].decode()
            except OSError:
                return "silence"

    def serve_tcp(self, where: str, address: str, tag: bytes) -> socket.socket:
        """Greet whoever connects with a tag."""
        with inside(where):
            server = socket.create_server((address, 53), family=family_of(address))
        self.servers.append(server)

        def greet() -> None:
            while True:
                try:
                    line, _ = server.accept()
                except OSError:
                    return
                with line:
                    line.sendall(tag)

        threading.Thread(target=greet, daemon=True).start()
        return server

    def ask_tcp(self, address: str) -> str:
        """Connect from the pod: who greets, or `silence`."""
        with inside(self.pod):
            client = socket.socket(family_of(address), socket.SOCK_STREAM)
        with client:
            client.settimeout(1)
            try:
                client.connect((address, 53))
                return client.recv(64).decode()
            except OSError:
                return "silence"

    def wait_until(self, address: str, wanted: str, *, limit_s: float = DEADLINE_S) -> float:
        """Ask again and again until somebody answers, and give the seconds that it took."""
        start = time.monotonic()
        while (who := self.ask(address, wait_s=0.05)) != wanted:
            assert time.monotonic() - start < limit_s, f"{address}: still {who} after {limit_s} s, not {wanted}"
        return time.monotonic() - start

    def entries(self) -> list[str]:
        """The node's conntrack entries of DNS to the addresses that are ours."""
        both = self.on_node("conntrack", "-L") + self.on_node("conntrack", "-L", "-f", "ipv6")
        lines = {line.partition(" src=")[2]: line for line in both.splitlines()}.values()  # some list both families
        return [line for line in lines if any(f"={address} " in line for address in (*OWN, *BORROWED))]

    def forget(self) -> None:
        self.on_node("conntrack", "-F", check=False)

    def stop(self, server: socket.socket) -> None:
        """Stop a server; its thread wakes up and ends."""
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()

    def close(self) -> None:
        for server in self.servers:
            self.stop(server)


def proxy(world: World, mode: str) -> None:
    """Translate the service's addresses to cluster DNS, as kube-proxy does."""
    translate(world.namespace, mode)


def rung(
    spelling: str = "nft", let_go: str = "owner and timeout", link: str | None = "tun", *, accepts: bool = False
) -> network.Rung:
    return network.Rung(
        number=9,
        spelling=network.Spelling(spelling),
        let_go=network.LetGo(let_go),
        link=network.LinkKind(link) if link else None,
        accepts_by_iptables=accepts,
        reason="the test's",
    )


def plan_of(wanted: network.Rung, **changes: object) -> network.SteeringPlan:
    values: dict[str, object] = {
        "own_addresses": OWN,
        "borrowed_addresses": BORROWED,
        "rung": wanted,
        "instance": f"t{os.getpid()}",
        "hold_ms": 2_000,
    }
    return network.SteeringPlan(**(values | changes))  # type: ignore[arg-type]  # values are the plan's own fields


@dataclass
class Holder:
    """A process that steers and answers, to be killed or told things."""

    process: subprocess.Popen[str]

    def tell(self, word: str) -> str:
        """Give an order and wait until it is done."""
        assert self.process.stdin
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return self.hear()

    def hear(self) -> str:
        assert self.process.stdout
        ready, _, _ = select.select([self.process.stdout], [], [], DEADLINE_S)
        assert ready, "the holder says nothing"
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(DEADLINE_S)
