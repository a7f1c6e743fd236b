"""memory.py: resident memory when idle, with the caches of four zones full, and bytes an entry."""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import subjects
from measure import keep, running
from world import Bench, bench_world

ZONES = ("cluster.local", "in-addr.arpa", "ip6.arpa", ".")
FOUR_ZONES = "\n".join(
    f"""{zone}:53 {{{{
    bind 10.96.0.10
    cache {{{{
        success 9984 3600
        denial 9984 3600
    }}}}
    forward . {{upstream}} {{{{
        force_tcp
    }}}}
}}}}"""
    for zone in ZONES
)
NSD_ZONE = "$TTL 3600\n@ SOA ns hostmaster 1 7200 1800 86400 3600\n@ NS ns.invalid.\n*.w A 10.96.9.9\n"
PER_STORE = 9984
BIG = 200_000  # entries from which the bytes of one are reckoned


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a subject held."""

    idle_mb: float
    four_zones_full_mb: float
    entries: int
    bytes_per_entry: float


def write_names(place: Path) -> None:
    """Write queries that fill both sides of four caches, and many names of one zone."""
    suffixes = [("" if zone == "." else zone) for zone in ZONES]
    suffixes[3] = "other.test"
    (place / "full.txt").write_text(
        "".join(f"s{i}.w.{suffix} A\nd{i}.{suffix} A\n" for suffix in suffixes for i in range(PER_STORE))
    )
    (place / "big.txt").write_text("".join(f"e{i:x}.w.cluster.local A\n" for i in range(BIG)))


def serve_four_zones(bench: Bench) -> None:
    """Let NSD serve all four zones."""
    zones = "".join(
        f"zone:\n  name: {name}\n  zonefile: small.zone\n" for name in ("in-addr.arpa", "ip6.arpa", "other.test")
    )
    config = bench.place / "nsd.conf"
    (bench.place / "small.zone").write_text(NSD_ZONE)
    config.write_text(config.read_text().replace("server-count: 1", "server-count: 1\n  port: 5353") + zones)


def measured(bench: Bench, command: str) -> Memory:
    """Fill the caches and look."""
    write_names(bench.place)
    four = subjects.Subject(
        name="nodens", command=command, files={"Corefile": FOUR_ZONES.replace("{upstream}", "{upstream}:5353")}
    )
    serve_four_zones(bench)
    log = bench.place / "nsd-four.log"
    with log.open("wb") as file:
        nsd = bench.upstream.start("nsd", "-d", "-p", "5353", "-c", str(bench.place / "nsd.conf"), log=file)
        try:
            with running(bench, four, subjects.Settings()) as held:
                idle_mb = held.rss_mb()
                held.measure("full", 0, rounds=1)
                full_mb = held.rss_mb()
        finally:
            nsd.terminate()
            nsd.wait()
    with running(bench, subjects.nodens(command), subjects.Settings(capacity=2 * BIG)) as held:
        before_mb = held.rss_mb()
        figure = held.measure("big", 0, rounds=1)
        each = (held.rss_mb() - before_mb) * 2**20 / max(figure.completed, 1)
    return Memory(idle_mb=idle_mb, four_zones_full_mb=full_mb, entries=figure.completed, bytes_per_entry=each)


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--command", default=subjects.NODENS, help="how nodens is run; {d} and {workers} are filled in")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nodens-bench-") as place, bench_world(Path(place)) as bench:
        memory = measured(bench, asked.command)
    text = (
        f"idle                    {memory.idle_mb:7.1f} MB   (wanted: 40 at most)\n"
        f"four zones, all full    {memory.four_zones_full_mb:7.1f} MB   (wanted: 64 at most)\n"
        f"an entry                {memory.bytes_per_entry:7.0f} bytes over {memory.entries} answers (wanted: 700)"
    )
    keep("memory", text, memory, " ".join(sys.argv))


if __name__ == "__main__":
    main()
