"""blackhole.py: unique names towards an upstream that is gone, as fast as asked; memory stays in budget, hits go on.

Wanted: 50,000 queries a second for a minute. The names of cluster.local stay cached meanwhile and must all be answered.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import subjects
from measure import CLIENT_CORE, HERE, keep, running
from subjects import built
from world import SERVER, bench_world, pause

LOOK_S = 0.5


def main() -> None:
    """Ask for lost names, ask for cached ones beside, watch the memory, and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=50_000, help="of unique names (default %(default)s)")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--hits", type=int, default=500, help="queries a second for cached names")
    parser.add_argument("--command", default=subjects.NODENS)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nodens-bench-") as place, bench_world(Path(place)) as bench:
        subject = subjects.nodens(asked.command)
        with running(bench, subject, subjects.Settings()) as held:
            held.check("hits")
            held.measure("hits", 1)
            idle_mb = held.rss_mb()
            words = [
                sys.executable,
                str(HERE / "ask.py"),
                SERVER,
                str(bench.place / "hits.txt"),
                str(asked.hits),
                str(asked.seconds),
            ]
            hits = subprocess.Popen(bench.pod.command(*words), stdout=subprocess.PIPE)
            words = [str(built("flood", bench.place)), SERVER, "53", str(asked.rate), str(asked.seconds)]
            flood = subprocess.Popen(bench.pod.command("taskset", "-c", CLIENT_CORE, *words), stdout=subprocess.PIPE)
            seen_mb = []
            while flood.poll() is None:
                seen_mb.append(held.rss_mb())
                pause(LOOK_S)
            flood_text = flood.communicate()[0].decode()
            told = json.loads(hits.communicate(timeout=60)[0])
            ended_mb = held.rss_mb()
    told |= {"idle_mb": idle_mb, "highest_mb": max(seen_mb), "ended_mb": ended_mb}
    told |= {"flood": flood_text.strip().replace("\n", "; ")}
    lines = [f"{key:14s} {value}" for key, value in told.items()]
    keep("blackhole", "\n".join(lines), told, " ".join(sys.argv))


if __name__ == "__main__":
    main()
