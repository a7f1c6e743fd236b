"""beside.py: CPU a query of hits, denials and misses over TCP, beside the floor and the peers, in one run.

Subjects take turns (A B C, C B A, ...), so that the machine's moods fall on all of them; what counts are the ratios.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import subjects
from measure import Figure, keep, running
from world import Bench, bench_world

TARGETS = ("hits", "denials", "misses")


def measured(bench: Bench, names: list[str], asked: argparse.Namespace) -> list[Figure]:
    """Run every subject so many times, in turns."""
    figures: list[Figure] = []
    for turn in range(asked.turns):
        for name in names if turn % 2 == 0 else names[::-1]:
            subject = subjects.by_name(name, bench.place, asked.command)
            with running(bench, subject, subjects.Settings()) as held:
                held.check(*asked.targets)
                for target in asked.targets:
                    if subject.is_echo and target != "hits":
                        continue
                    if target != "misses":
                        held.measure(target, 1, rate=asked.rate)
                    clients = 40 if target == "misses" else 20
                    figures.append(held.measure(target, asked.seconds, clients=clients, rate=asked.rate))
                    print(figures[-1], file=sys.stderr, flush=True)
    return figures


def table(figures: list[Figure], names: list[str]) -> str:
    """Give medians, and ratios to the floor (hits, denials) or to unbound (misses)."""
    lines = [
        f"{'':10s} {'target':10s} {'us/query':>9s} {'spread':>15s} {'ratio':>7s}  {'qps':>9s} {'lost':>6s} {'MB':>7s}"
    ]
    median: dict[tuple[str, str], float] = {}
    for figure in figures:
        same = [one.cpu_us_per_query for one in figures if (one.subject, one.target) == (figure.subject, figure.target)]
        median[figure.subject, figure.target] = statistics.median(same)
    for target in TARGETS:
        for name in names:
            own = [figure for figure in figures if (figure.subject, figure.target) == (name, target)]
            if not own:
                continue
            costs = sorted(figure.cpu_us_per_query for figure in own)
            against = median.get(("unbound", target)) if target == "misses" else median.get(("floor", "hits"))
            ratio = f"{median[name, target] / against:7.2f}" if against else f"{'':7s}"
            lines.append(
                f"{name:10s} {target:10s} {median[name, target]:9.2f} {costs[0]:7.2f}-{costs[-1]:<7.2f} {ratio}  "
                f"{statistics.median(figure.qps for figure in own):9.0f} {sum(figure.lost for figure in own):6d} "
                f"{max(figure.rss_mb for figure in own):7.1f}"
            )
    lines.append("ratio: hits and denials to the floor's hits, misses to unbound's misses")
    return "\n".join(lines)


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", default="floor,unbound,dnsdist,nodens", help="default %(default)s")
    parser.add_argument(
        "--targets", type=lambda text: text.split(","), default=list(TARGETS), help="hits,denials,misses"
    )
    parser.add_argument("--seconds", type=int, default=8, help="of each measurement (default %(default)s)")
    parser.add_argument("--turns", type=int, default=3, help="of every subject (default %(default)s)")
    parser.add_argument("--rate", type=int, help="queries a second; without it, as many as go (window 200)")
    parser.add_argument("--command", default=subjects.NODENS, help="how nodens is run; {d} and {workers} are filled in")
    asked = parser.parse_args()
    names = asked.subjects.split(",")
    with tempfile.TemporaryDirectory(prefix="nodens-bench-") as place, bench_world(Path(place)) as bench:
        figures = measured(bench, names, asked)
    keep("beside", table(figures, names), figures, " ".join(sys.argv))


if __name__ == "__main__":
    main()
