"""A cluster DNS that tells who asked: `1.1.1.1` to a pod that came directly, `2.2.2.2` to anybody else.

    python -m nodens.lab.teller 192.168.1.0/24,fd00:1::/64 192.168.2.10 fd00:2::10

It says `ready`, and serves until its input ends.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

DIRECT, THROUGH = b"\1\1\1\1", b"\2\2\2\2"
TTL_S = 30
HEADER_BYTES = 12
LENGTH_BYTES = 2  # before each message of a stream
_PODS: list[IPv4Network | IPv6Network] = []


def answer(query: bytes, client: str) -> bytes:
    """Give one A record for whatever is asked; what asks nothing, as our own STATUS questions do, gets NOTIMP."""
    if len(query) == HEADER_BYTES:
        return query[:2] + b"\x90\x04" + bytes(8)
    end = query.index(b"\0", 12) + 5
    asker = ip_address(client)
    address = DIRECT if any(asker in pods for pods in _PODS) else THROUGH
    record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, TTL_S, 4) + address
    return query[:2] + b"\x85\x80\0\1\0\1\0\0\0\0" + query[12:end] + record


def serve_udp(address: str) -> None:
    """Answer datagrams."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        server.bind((address, 53))
        while True:
            query, client = server.recvfrom(4096)
            server.sendto(answer(query, client[0]), client)


def serve_tcp(address: str) -> None:
    """Answer on connections, one thread each."""
    with socket.create_server(
        (address, 53), family=socket.AF_INET6 if ":" in address else socket.AF_INET, backlog=1024
    ) as server:
        while True:
            connection, client = server.accept()
            threading.Thread(target=converse, args=(connection, client[0]), daemon=True).start()


def converse(connection: socket.socket, client: str) -> None:
    """Answer until the other side closes."""
    with connection, contextlib.suppress(OSError):
        stream = connection.makefile("rb")
        while len(length := stream.read(LENGTH_BYTES)) == LENGTH_BYTES:
            reply = answer(stream.read(int.from_bytes(length, "big")), client)
            connection.sendall(len(reply).to_bytes(2, "big") + reply)


def main() -> None:
    """Serve until the input ends."""
    pods, *addresses = sys.argv[1:]
    _PODS.extend(ip_network(each) for each in pods.split(","))
    for address in addresses:
        for target in (serve_udp, serve_tcp):
            threading.Thread(target=target, args=(address,), daemon=True).start()
    print("ready", flush=True)  # noqa: T201 - whoever started it waits for this
    sys.stdin.read()


if __name__ == "__main__":
    main()
