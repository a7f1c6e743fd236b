"""blackhole.py: unique names towards an upstream that is gone, as fast as asked; memory stays in budget, hits go on.

Wanted: 50,000 queries a second for a minute. The names of cluster.local stay cached meanwhile and must all be answered.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import subjects
from measure import CLIENT_CORE, HERE, keep, running
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
    chance = random.Random(9)
    with tempfile.TemporaryDirectory(prefix="nodens-bench-") as place, bench_world(Path(place)) as bench:
        with (bench.place / "lost.txt").open("w") as file:
            file.writelines(
                f"x{chance.getrandbits(60):x}.gone.test A\n" for _ in range(min(asked.rate * asked.seconds, 3_000_000))
            )
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
            flood_words = [
                "dnsperf",
                "-s",
                SERVER,
                "-d",
                str(bench.place / "lost.txt"),
                "-c",
                "50",
                "-q",
                "65000",
                "-t",
                "1",
            ]
            flood_words += ["-Q", str(asked.rate), "-l", str(asked.seconds)]
            flood = subprocess.Popen(
                bench.pod.command("taskset", "-c", CLIENT_CORE, *flood_words), stdout=subprocess.PIPE
            )
            seen_mb = []
            while flood.poll() is None:
                seen_mb.append(held.rss_mb())
                pause(LOOK_S)
            flood_text = flood_log.read_text()
            told = json.loads(hits.communicate(timeout=60)[0])
            ended_mb = held.rss_mb()
    told |= {"idle_mb": idle_mb, "highest_mb": max(seen_mb), "ended_mb": ended_mb}
    told |= {"flood": [line.strip() for line in flood_text.splitlines() if "Quer" in line or "codes" in line]}
    lines = [f"{key:14s} {value}" for key, value in told.items()]
    keep("blackhole", "\n".join(lines), told, " ".join(sys.argv))


if __name__ == "__main__":
    main()
