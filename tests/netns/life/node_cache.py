"""Stands for a node-cache: answers on ADDRESS... port 53 with SO_REUSEPORT, as CoreDNS binds, until its input ends."""

from __future__ import annotations

import contextlib
import select
import socket
import sys

from nodens.lab.teller import answer

FREEBIND = {socket.AF_INET: (socket.IPPROTO_IP, 15), socket.AF_INET6: (socket.IPPROTO_IPV6, 78)}
HEADER_BYTES = 12
NOT_A_POD = "127.0.0.1"  # whoever asks is told what the node got


def serve(address: str, kind: socket.SocketKind) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = socket.socket(family, kind)
    server.setsockopt(*FREEBIND[family], 1)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    server.bind((address, 53))
    if kind == socket.SOCK_STREAM:
        server.listen()
    return server


def reply_to(query: bytes) -> bytes:
    """Answer a question; refuse what is none, as nodens asks itself at its start."""
    is_question = len(query) > HEADER_BYTES and not query[2] & 0x78
    return answer(query, NOT_A_POD) if is_question else query[:2] + b"\x90\4" + bytes(HEADER_BYTES - 4)


def converse(listener: socket.socket) -> None:
    """Answer the one query of one connection."""
    connection, _ = listener.accept()
    with connection, contextlib.suppress(OSError):
        connection.settimeout(1)
        reply = reply_to(connection.recv(4096)[2:])
        connection.sendall(len(reply).to_bytes(2, "big") + reply)


if __name__ == "__main__":
    servers = [serve(address, kind) for address in sys.argv[1:] for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)]
    print("ready", flush=True)  # noqa: T201 - the test waits for it
    while True:
        ready, _, _ = select.select([sys.stdin, *servers], [], [])
        if sys.stdin in ready:
            break
        for server in ready:
            if server.type == socket.SOCK_STREAM:
                converse(server)
                continue
            query, client = server.recvfrom(4096)
            server.sendto(reply_to(query), client)
