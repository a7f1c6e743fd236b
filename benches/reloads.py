"""reloads.py: many reloads while queries run; nothing may be lost (wanted: 10,000 at 2,000 queries a second)."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import subjects
from measure import HERE, keep, running
from world import SERVER, bench_world, pause

WARM_S = 1.0


def main() -> None:
    """Reload at a steady pace under load, and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reloads", type=int, default=200)
    parser.add_argument("--pause-ms", type=int, default=30, help="between reloads (default %(default)s)")
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--command", default=subjects.NODENS)
    asked = parser.parse_args()
    seconds = asked.reloads * asked.pause_ms / 1000 + 2 * WARM_S
    with tempfile.TemporaryDirectory(prefix="nodens-bench-") as place, bench_world(Path(place)) as bench:
        subject = subjects.nodens(asked.command)
        with running(bench, subject, subjects.Settings(), core=None) as held:
            held.check("hits")
            before_mb = held.rss_mb()
            words = [
                sys.executable,
                str(HERE / "ask.py"),
                SERVER,
                str(bench.place / "hits.txt"),
                str(asked.rate),
                str(seconds),
            ]
            asking = subprocess.Popen(bench.pod.command(*words), stdout=subprocess.PIPE)
            pause(WARM_S)
            corefile = bench.place / "Corefile"
            text = corefile.read_text()
            for number in range(asked.reloads):
                written = bench.place / "Corefile.new"
                written.write_text(text.replace("cache 30", f"cache {30 + number % 7}"))
                written.rename(corefile)
                os.kill(held.program.pid, signal.SIGUSR1)
                pause(asked.pause_ms / 1000)
            told = json.loads(asking.communicate(timeout=seconds + 30)[0])
            after_mb = held.rss_mb()
            log = held.log.read_text()
    told |= {"reloads": asked.reloads, "rss_before_mb": before_mb, "rss_after_mb": after_mb}
    told["applied"] = log.count("Reloading complete")
    lines = [f"{key:14s} {value}" for key, value in told.items()]
    keep("reloads", "\n".join(lines), told, " ".join(sys.argv))


if __name__ == "__main__":
    main()
