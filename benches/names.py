"""names.py: cost of a hit with 100 and with 1,000,000 cached names (wanted: within 25 %)."""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
from pathlib import Path

import subjects
from measure import Figure, keep, running
from world import bench_world

FEW = 100


def write_names(place: Path, many: int) -> None:
    """Write what fills the cache, and what asks in no order: from few names, and from many."""
    chance = random.Random(5)
    names = [f"n{i:x}.w.cluster.local A\n" for i in range(many)]
    (place / "fill.txt").write_text("".join(names))
    (place / "few.txt").write_text("".join(chance.choice(names[:FEW]) for _ in range(200_000)))
    (place / "many.txt").write_text("".join(chance.choice(names) for _ in range(1_000_000)))


def main() -> None:
    """Measure in turns and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", type=int, default=1_000_000, help="cached names (default %(default)s)")
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--subject", default="nodens", help="or unbound")
    parser.add_argument("--command", default=subjects.NODENS + " --memory-limit {megabytes}Mi")
    asked = parser.parse_args()
    settings = subjects.Settings(capacity=int(asked.names * 1.3), megabytes=1024)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="nodens-bench-") as place, bench_world(Path(place)) as bench:
        write_names(bench.place, asked.names)
        subject = subjects.by_name(asked.subject, bench.place, asked.command)
        with running(bench, subject, settings) as few, few.log.open("ab"):
            few.check("hits")
            few.measure("few", 2)
            figures += [few.measure("few", asked.seconds) for _ in range(asked.turns)]
        with running(bench, subject, settings) as many:
            filled = many.measure("fill", 0, rounds=1, clients=40)
            print(filled, file=sys.stderr)
            figures += [many.measure("many", asked.seconds) for _ in range(asked.turns)]
    for figure in figures:
        print(figure, file=sys.stderr)
    cost = {
        target: statistics.median(figure.cpu_us_per_query for figure in figures if figure.target == target)
        for target in ("few", "many")
    }
    text = (
        f"{FEW} names          {cost['few']:7.2f} us/query\n{asked.names} names      {cost['many']:7.2f} us/query\n"
        f"ratio              {cost['many'] / cost['few']:7.2f}   (wanted: 1.25 at most)\n"
        f"memory with {asked.names} names {max(figure.rss_mb for figure in figures):.0f} MB"
    )
    keep("names", text, figures, " ".join(sys.argv))


if __name__ == "__main__":
    main()
