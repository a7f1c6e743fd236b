"""Silence under load is told from deafness by the receive queues: something was dropped, and who dropped is read."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from nodens import network
from nodens.network import Queue

FULL = 200_000


@pytest.mark.parametrize(
    ("looks", "is_busy"),
    [  # each look: inode -> (bytes held, datagrams dropped so far)
        pytest.param([], False, id="nobody there"),
        pytest.param([{"1": (0, 0)}, {"1": (0, 0)}], False, id="an empty queue and no drop: the question never came"),
        pytest.param([{"1": (0, 9)}, {"1": (0, 9)}], False, id="drops of old times"),
        pytest.param([{"1": (FULL, 9)}, {"1": (FULL - 900, 50)}, {"1": (FULL, 99)}], True, id="full, and read"),
        pytest.param([{"1": (FULL, 9)}, {"1": (FULL, 50)}, {"1": (FULL, 99)}], False, id="full, and nobody reads"),
        pytest.param([{"1": (900, 9)}, {"1": (FULL, 9)}, {"1": (FULL, 99)}], False, id="it only grows"),
        pytest.param(
            [{"1": (FULL, 9), "2": (FULL, 1)}, {"1": (900, 10), "2": (FULL, 30)}], False, id="one of two is read"
        ),
        pytest.param([{"1": (FULL, 9)}, {"2": (0, 10)}], False, id="another socket came"),
    ],
)
def test_load_explains_silence_only_where_a_queue_overflows_and_is_read(
    looks: list[dict[str, tuple[int, int]]],
    is_busy: bool,  # noqa: FBT001 - a row's value
) -> None:
    assert network.are_busy([{inode: Queue(*told) for inode, told in look.items()} for look in looks]) is is_busy


def test_the_kernel_tells_what_waits_and_what_found_no_room() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf, socket.socket(type=socket.SOCK_DGRAM) as client:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.bind(("127.0.0.77", 0))
        port = deaf.getsockname()[1]
        (before,) = network.survey_queues("127.0.0.77", port).values()
        for _ in range(50):
            client.sendto(bytes(500), ("127.0.0.77", port))
        (after,) = network.survey_queues("127.0.0.77", port).values()
    assert before == Queue(0, 0)
    assert after.held > 500
    assert after.dropped > 10


def test_where_nothing_can_be_read_nothing_is_said(tmp_path: Path) -> None:
    assert network.survey_queues("127.0.0.1", 53, tmp_path) == {}
