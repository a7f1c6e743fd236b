"""A taken port is found, and its holder named."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from nodens.network import find_taken, holder

NAME = Path("/proc/self/comm").read_text().strip()
US = f"pid {os.getpid()}, `{NAME}`"


@pytest.mark.parametrize(
    ("family", "kind", "held", "wanted", "protocol"),
    [
        pytest.param(socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1", "127.0.0.1", "udp", id="udp"),
        pytest.param(socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1", "127.0.0.1", "tcp", id="tcp"),
        pytest.param(socket.AF_INET, socket.SOCK_DGRAM, "0.0.0.0", "127.0.0.1", "udp", id="held on all addresses"),
        pytest.param(socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1", "::", "udp", id="wanted on all addresses"),
        pytest.param(socket.AF_INET6, socket.SOCK_DGRAM, "::1", "::1", "udp", id="IPv6"),
        pytest.param(socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1", "127.0.0.2", None, id="another address"),
    ],
)
def test_a_port_that_somebody_holds_is_found_with_the_holder(
    family: int, kind: int, held: str, wanted: str, protocol: str | None
) -> None:
    with socket.socket(family, kind) as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # no excuse: we do not share
        stranger.bind((held, 0))
        if kind == socket.SOCK_STREAM:
            stranger.listen(1)
        port = stranger.getsockname()[1]
        found = find_taken(wanted, port)
    if protocol is None:
        assert found is None
    else:
        assert found is not None
        assert (found[0], found[2]) == (protocol, f"address in use ({US})")


def test_a_free_port_is_free_and_port_zero_always_is() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", 0))
        port = stranger.getsockname()[1]
    assert find_taken("127.0.0.1", port) is None
    assert find_taken("127.0.0.1", 0) is None


def test_an_address_that_is_not_on_this_node_yet_can_be_free() -> None:
    assert find_taken("192.0.2.77", 5353) is None


def test_a_holder_that_cannot_be_seen_has_no_name(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    assert holder("127.0.0.1", 53, "udp", tmp_path) == ""
