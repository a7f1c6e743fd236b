"""An upstream that answers one TCP connection in order, as CoreDNS does; clients ask for names it is slow at."""

from __future__ import annotations

import dataclasses
import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import dns.message
import dns.query
import dns.rcode
import plans
import pytest
from answers import answer

from nodens import _engine
from nodens.plan.model import Transport

SLOW_NAMES_A_SECOND = 10
HONEST_QUERIES = 40


class Serial(socketserver.StreamRequestHandler):
    """One connection: the next query is looked at when the one before it is answered; `slow` names never are."""

    def handle(self) -> None:
        """Answer until the client ends or a slow name comes."""
        while head := self.rfile.read(2):
            query = self.rfile.read(int.from_bytes(head, "big"))
            if b"slow" in query:
                self.rfile.read()
                return
            said = answer(query)
            self.wfile.write(len(said).to_bytes(2, "big") + said)


class Server(socketserver.ThreadingTCPServer):
    """A thread for each connection."""

    daemon_threads = True
    request_queue_size = 100


@pytest.fixture
def serial() -> Iterator[int]:
    """Give the port of such an upstream."""
    with Server(("127.0.0.1", 0), Serial) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_slow_names_cost_honest_ones_a_moment_and_no_answer(serial: int) -> None:
    plan = plans.quiet(serial)
    block = dataclasses.replace(plan.blocks[0], forwards=(plans.forward(serial, Transport.TCP),))
    engine = _engine.Engine(dataclasses.replace(plan, blocks=(block,)))
    engine.start()
    ((host, port),) = engine.addresses()
    is_over = threading.Event()

    def attack() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
            number = 0
            while not is_over.wait(1 / SLOW_NAMES_A_SECOND):
                number += 1
                mouth.sendto(dns.message.make_query(f"slow{number}.test.", "A").to_wire(), (host, port))

    attacker = threading.Thread(target=attack)
    attacker.start()
    took: list[float] = []
    for number in range(HONEST_QUERIES):
        is_over.wait(0.04)  # so that the slow ones come in between
        begin = time.monotonic()
        response = dns.query.udp(dns.message.make_query(f"honest{number}.test.", "A"), host, port=port, timeout=5)
        took.append(time.monotonic() - begin)
        assert response.rcode() == dns.rcode.NOERROR, f"query {number} after {took[-1]:.2f} s"
    is_over.set()
    attacker.join()
    engine.stop(0)
    assert max(took) < 0.5, took  # some 0.1 s if the machine has nothing else to do; 0.95 s without going round
