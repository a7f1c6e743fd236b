"""The pulse is earned by the workers: one that hangs stands still, while the control plane around it lives on."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17  # of ptrace(2)
WALL = 0x40000000  # of waitpid(2): threads, too

# Tells its pulse whenever it is asked.
BEATING = """
import sys
sys.path.insert(0, sys.argv[1])
import plans
from nodens import _engine
engine = _engine.Engine(plans.whole(workers=2))
engine.start()
for _ in sys.stdin:
    print(*engine.pulse(), flush=True)
engine.stop(0)
"""


def trace(request: int, thread: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    if libc.ptrace(request, thread, None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")


@contextmanager
def hanging(thread: int) -> Iterator[None]:
    """Hold one thread of another process; a signal would stop all of them."""
    try:
        trace(SEIZE, thread)
    except PermissionError:
        pytest.skip("needs ptrace")
    trace(INTERRUPT, thread)
    os.waitpid(thread, WALL)
    yield
    trace(DETACH, thread)


def test_a_worker_that_hangs_has_no_pulse_and_an_idle_one_has() -> None:
    command = [sys.executable, "-c", BEATING, str(Path(__file__).parent)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as beating:
        assert beating.stdin is not None
        assert beating.stdout is not None

        def pulse() -> list[int]:
            assert beating.stdin is not None
            assert beating.stdout is not None
            print(file=beating.stdin, flush=True)
            return [int(word) for word in beating.stdout.readline().split()]

        def wait_until(is_so: Callable[[list[int]], bool], limit_s: float) -> float:
            begin = time.monotonic()
            while not is_so(pulse()):
                assert time.monotonic() - begin < limit_s
            return time.monotonic() - begin

        first = pulse()
        assert wait_until(lambda now: now[0] > first[0] and now[1] > first[1], 5) < 1.5
        threads = Path(f"/proc/{beating.pid}/task")
        names = {(task / "comm").read_text().strip(): int(task.name) for task in threads.iterdir()}
        with hanging(names["nodens-0"]):
            held = pulse()
            wait_until(lambda now: now[1] >= held[1] + 3, 10)
            assert pulse()[0] == held[0]
        wait_until(lambda now: now[0] > held[0], 5)
        beating.stdin.close()
        assert beating.wait(5) == 0
