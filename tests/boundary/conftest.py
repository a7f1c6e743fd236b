"""What the boundary tests share: an upstream that answers every question with one address."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("nodens._engine", reason="needs the compiled module: `make build`")
sys.path.insert(0, str(Path(__file__).parent))

from answers import answer


@pytest.fixture
def upstream() -> Iterator[int]:
    """Give the port of an upstream on 127.0.0.1."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            query, client = server.recvfrom(4096)
            if not query:
                return
            server.sendto(answer(query), client)

    thread = threading.Thread(target=serve)
    thread.start()
    yield server.getsockname()[1]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
        last.sendto(b"", server.getsockname())
    thread.join()
    server.close()
