"""A cluster DNS that tells who asked: `1.1.1.1` to a pod that came directly, `2.2.2.2` to anybody else."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading

DIRECT, THROUGH = b"\1\1\1\1", b"\2\2\2\2"
PODS = ("192.168.1.", "::ffff:192.168.1.", "fd00:1::")
TTL_S = 30
HEADER_BYTES = 12


def answer(query: bytes, client: str) -> bytes:
    """Give one A record for whatever is asked; what asks nothing, as our own STATUS questions do, gets NOTIMP."""
    if len(query) == HEADER_BYTES:
        return query[:2] + b"\x90\x04" + bytes(8)
    end = query.index(b"\0", 12) + 5
    address = DIRECT if client.startswith(PODS) else THROUGH
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
        while len(length := stream.read(2)) == 2:
            reply = answer(stream.read(int.from_bytes(length, "big")), client)
            connection.sendall(len(reply).to_bytes(2, "big") + reply)


if __name__ == "__main__":
    threads = [
        threading.Thread(target=target, args=(address,), daemon=True)
        for address in sys.argv[1:]
        for target in (serve_udp, serve_tcp)
    ]
    for thread in threads:
        thread.start()
    print("ready", flush=True)  # noqa: T201 - the test waits for it
    sys.stdin.read()  # until the test closes it
