"""workers.py: one worker and two at saturation. On two cores the one that asks needs a core too; read with care."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import subjects
from measure import Figure, keep, running
from world import bench_world


def main() -> None:
    """Measure in turns and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--clients", type=int, default=64, help="flows, which the kernel spreads over workers")
    parser.add_argument("--command", default=subjects.NODENS)
    asked = parser.parse_args()
    figures: dict[int, list[Figure]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory(prefix="nodens-bench-") as place, bench_world(Path(place)) as bench:
        for turn in range(asked.turns):
            for workers in (1, 2) if turn % 2 == 0 else (2, 1):
                settings = subjects.Settings(workers=workers)
                with running(bench, subjects.nodens(asked.command), settings, core=None) as held:
                    held.check("hits")
                    for target in ("hits", "misses"):
                        figures[workers].append(held.measure(target, asked.seconds, clients=asked.clients))
                        print(workers, figures[workers][-1], file=sys.stderr)
    lines = []
    for target in ("hits", "misses"):
        for workers, found in figures.items():
            own = [figure for figure in found if figure.target == target]
            qps, cost = (
                statistics.median(values) for values in ([f.qps for f in own], [f.cpu_us_per_query for f in own])
            )
            lines.append(f"{target:8s} {workers} worker(s)  {qps:9.0f} qps  {cost:6.2f} us/query")
    keep("workers", "\n".join(lines), figures, " ".join(sys.argv))


if __name__ == "__main__":
    main()
