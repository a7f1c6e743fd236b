"""A pod's queries at an even rate, each from a port of its own: when each was sent, when answered, and by whom.

    python -m nodens.lab.witness 10.96.0.10 1000

It says `ready`; when its input ends it waits for the last answers, and prints them as JSON. Who answered is told by a
`teller` behind. `account.py` starts it and reads what it prints.
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys
import time

WAIT_S = 1.0  # then a query is lost
OPEN_LIMIT = 4_000
QUESTION = b"\1\0\0\1\0\0\0\0\0\0" + b"%b" + b"\0\0\1\0\1"


def ask(address: str, number: int) -> socket.socket:
    """Send a query that names its number's last digits."""
    client = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(0)
    name = b"".join(len(label).to_bytes(1, "big") + label for label in (b"n%d" % (number % 50), b"cluster", b"local"))
    client.connect((address, 53))
    client.send((number & 0xFFFF).to_bytes(2, "big") + QUESTION % name)
    return client


def run(address: str, rate: int) -> list[tuple[float, float | None, str]]:
    """Ask until the input ends."""
    told: list[tuple[float, float | None, str]] = []
    waiting: dict[int, tuple[socket.socket, int]] = {}
    poller = select.epoll()
    poller.register(0, select.EPOLLIN)
    start = time.monotonic()
    number, end = 0, None
    while end is None or (waiting and time.monotonic() < end):
        now = time.monotonic()
        while end is None and number < (now - start) * rate and len(waiting) < OPEN_LIMIT:
            at = time.monotonic()
            try:
                client = ask(address, number)
            except OSError as error:
                told.append((at, None, os.strerror(error.errno or 0)))
            else:
                waiting[client.fileno()] = client, len(told)
                poller.register(client, select.EPOLLIN)
                told.append((at, None, "silence"))
            number += 1
        for descriptor, _ in poller.poll(0.0005):
            if descriptor == 0:
                poller.unregister(0)
                end = time.monotonic() + WAIT_S
                continue
            client, index = waiting.pop(descriptor)
            poller.unregister(descriptor)
            try:
                answer = client.recv(512)
                who = {1: "cluster", 2: "node"}.get(answer[-1], f"rcode {answer[3] & 15}")
                told[index] = told[index][0], time.monotonic(), who
            except OSError as error:
                told[index] = told[index][0], None, os.strerror(error.errno or 0)
            client.close()
        for descriptor, (client, index) in list(waiting.items())[:64]:
            if told[index][0] + WAIT_S < now:
                client.close()
                del waiting[descriptor]
    return told


if __name__ == "__main__":
    print("ready", flush=True)  # noqa: T201 - whoever started it waits for this
    print(json.dumps(run(sys.argv[1], int(sys.argv[2]))))  # noqa: T201 - whoever started it reads this
