"""A node, a pod and cluster DNS in three namespaces, with kube-proxy's translation in place; and a holder to kill."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nodens import network

HERE = Path(__file__).parent
PACKAGE = HERE.parents[2] / "python"
OWN = ("169.254.20.10", "fd00:20::10")
BORROWED = ("10.96.0.10", "fd00:96::a")
CLUSTER = {"10.96.0.10": "192.168.2.10", "fd00:96::a": "fd00:2::10"}
CLONE_NEWNET = 0x40000000
DEADLINE_S = 5.0
LIBC = ctypes.CDLL(None, use_errno=True)

# As kube-proxy's nftables mode shapes it: a service map in nat chains, a check in filter chains for new connections.
KUBE_PROXY_NFT = """
table {ip} kube-proxy {{
 map service-ips {{
  type {type} . inet_proto . inet_service : verdict
 }}
 set cluster-ips {{
  type {type}
  elements = {{ {service} }}
 }}
 chain endpoint {{
  meta l4proto {{ udp, tcp }} dnat to {endpoint}
 }}
 chain services {{
  {ip} daddr . meta l4proto . th dport vmap @service-ips
 }}
 chain cluster-ips-check {{
  {ip} daddr @cluster-ips counter reject
 }}
 chain filter-forward {{
  type filter hook forward priority -110
  ct state new jump cluster-ips-check
 }}
 chain filter-output {{
  type filter hook output priority -90
  ct state new jump cluster-ips-check
 }}
 chain nat-prerouting {{
  type nat hook prerouting priority -100
  jump services
 }}
 chain nat-output {{
  type nat hook output priority -100
  jump services
 }}
 chain nat-postrouting {{
  type nat hook postrouting priority 100
  {ip} saddr != {pods} {ip} daddr {server} masquerade
 }}
}}
add element {ip} kube-proxy service-ips {{ {service} . udp . 53 : goto endpoint, {service} . tcp . 53 : goto endpoint }}
"""

KUBE_PROXY_IPTABLES = """*nat
:KUBE-SERVICES - [0:0]
:KUBE-SEP - [0:0]
:KUBE-POSTROUTING - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -j KUBE-POSTROUTING
-A KUBE-SERVICES -d {service} -p udp --dport 53 -j KUBE-SEP
-A KUBE-SERVICES -d {service} -p tcp --dport 53 -j KUBE-SEP
-A KUBE-SEP -p udp -j DNAT --to-destination {endpoint}
-A KUBE-SEP -p tcp -j DNAT --to-destination {endpoint}
-A KUBE-POSTROUTING ! -s {pods} -d {server} -j MASQUERADE
COMMIT
*mangle
:KUBE-IPTABLES-HINT - [0:0]
COMMIT
"""


def run(*words: str, text: str | None = None, check: bool = True) -> str:
    """Run a tool and give what it prints."""
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False, timeout=20)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(words)}: {done.stderr}")
    return done.stdout + (done.stderr if not check else "")


@contextlib.contextmanager
def inside(name: str) -> Iterator[None]:
    """Be in a namespace: sockets and tools of this thread are of it."""
    with Path("/proc/thread-self/ns/net").open("rb") as home, Path(f"/run/netns/{name}").open("rb") as there:
        assert LIBC.setns(there.fileno(), CLONE_NEWNET) == 0
        try:
            yield
        finally:
            assert LIBC.setns(home.fileno(), CLONE_NEWNET) == 0


def family_of(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


@dataclass
class World:
    """Three namespaces by name, and what is asked in them."""

    prefix: str
    servers: list[socket.socket] = field(default_factory=list)

    def __getattr__(self, name: str) -> str:
        if name in {"node", "pod", "dns"}:
            return f"{self.prefix}-{name}"
        raise AttributeError(name)

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


def wire(world: World) -> None:
    """Two veth pairs, addresses of both families, forwarding; no waiting for duplicate addresses."""
    for name in (world.node, world.pod, world.dns):
        run("ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0")
    for name, number in ((world.pod, 1), (world.dns, 2)):
        host = f"cali{number}"
        run("ip", "-n", world.node, "link", "add", host, "type", "veth", "peer", "name", "eth0", "netns", name)
        for where, link, last in ((world.node, host, "1"), (name, "eth0", "10")):
            run("ip", "-n", where, "addr", "add", f"192.168.{number}.{last}/24", "dev", link)
            run("ip", "-n", where, "addr", "add", f"fd00:{number}::{last}/64", "dev", link, "nodad")
            run("ip", "-n", where, "link", "set", link, "up")
            run("ip", "-n", where, "link", "set", "lo", "up")
        run("ip", "-n", name, "route", "add", "default", "via", f"192.168.{number}.1")
        run("ip", "-n", name, "-6", "route", "add", "default", "via", f"fd00:{number}::1")
    for key in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
        world.on_node("sysctl", "-qw", f"{key}=1")


def proxy(world: World, mode: str) -> None:
    """Translate the service's addresses to cluster DNS, as kube-proxy does."""
    for service, server in CLUSTER.items():
        is_v6 = ":" in service
        values = {
            "ip": "ip6" if is_v6 else "ip",
            "type": "ipv6_addr" if is_v6 else "ipv4_addr",
            "service": service,
            "server": server,
            "endpoint": f"[{server}]:53" if is_v6 else f"{server}:53",
            "pods": "fd00:1::/64" if is_v6 else "192.168.1.0/24",
        }
        if mode == "nftables":
            world.on_node("nft", "-f", "-", text=KUBE_PROXY_NFT.format(**values))
        else:
            tool = f"{'ip6tables' if is_v6 else 'iptables'}-{mode}-restore"
            world.on_node(tool, "--noflush", text=KUBE_PROXY_IPTABLES.format(**values))


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
