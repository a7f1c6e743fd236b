"""start.py: from the start of the process to its first answer (wanted: 300 ms at most)."""

from __future__ import annotations

import argparse
import compileall
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import subjects
from measure import keep
from world import Bench, bench_world, end

import nodens

ASK = """
import socket, sys, time
deadline = time.monotonic() + 10
name = b"\\x0akubernetes\\x07default\\x03svc\\x07cluster\\x05local\\0"
wire = bytes.fromhex("000101000001000000000000") + name + b"\\0\\1\\0\\1"
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
    asked.settimeout(0.005)
    asked.connect(("10.96.0.10", 53))
    print("ready", flush=True)
    sys.stdin.readline()
    while time.monotonic() < deadline:
        try:
            asked.send(wire)
            asked.recv(512)
            print(time.monotonic(), flush=True)
            break
        except OSError:
            time.sleep(0.001)
"""


def first_answer_ms(bench: Bench, command: str) -> float:
    """Start nodens, ask until it answers."""
    words = subjects.nodens(command).prepare(bench.place, subjects.Settings())
    asking = subprocess.Popen(
        bench.pod.command(sys.executable, "-c", ASK), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert asking.stdin is not None
    assert asking.stdout is not None
    asking.stdout.readline()
    began_s = time.monotonic()
    with (bench.place / "start.log").open("wb") as log:
        program = bench.node.start(*words, log=log)
    try:
        asking.stdin.write("go\n")
        asking.stdin.flush()
        answered = asking.stdout.readline()
        asking.wait(15)
    finally:
        end(program)
    return (float(answered) - began_s) * 1000 if answered else float("inf")


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--command", default=subjects.NODENS)
    asked = parser.parse_args()
    # An installed package has its byte code; a checkout has it only where the environment lets Python write it.
    compileall.compile_dir(str(Path(nodens.__file__).parent), quiet=1)
    with tempfile.TemporaryDirectory(prefix="nodens-bench-") as place, bench_world(Path(place)) as bench:
        times = [first_answer_ms(bench, asked.command) for _ in range(asked.turns)]
    spread = f"{min(times):.0f}-{max(times):.0f}"
    text = f"first answer after {statistics.median(times):.0f} ms (of {asked.turns}: {spread}; wanted: 300 at most)"
    keep("start", text, times, " ".join(sys.argv))


if __name__ == "__main__":
    main()
