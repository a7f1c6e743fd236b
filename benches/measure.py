"""Runs a subject on one core and dnsperf on the other, reads the subject's own CPU time and memory, keeps results."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from subjects import Settings, Subject
from world import SERVER, Bench, end, pause

HERE = Path(__file__).parent
RESULTS = HERE / "results"
SERVER_CORE, CLIENT_CORE = "0", "1"
START_TRIES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One run of one subject: what dnsperf saw, and what it cost the subject."""

    subject: str
    target: str
    completed: int
    lost: int
    qps: float
    average_us: float
    cpu_us_per_query: float
    busy_percent: float
    rss_mb: float
    rcodes: str

    def __str__(self) -> str:
        """Render as a line of the text results."""
        return (
            f"{self.subject:10s} {self.target:10s} {self.cpu_us_per_query:7.2f} us/query  {self.qps:9.0f} qps  "
            f"lost {self.lost:6d}  average {self.average_us:7.0f} us  busy {self.busy_percent:4.0f} %  "
            f"rss {self.rss_mb:6.1f} MB  {self.rcodes}"
        )


class Running:
    """A subject under way, on its core."""

    def __init__(self, bench: Bench, subject: Subject, program: subprocess.Popen[bytes], log: Path) -> None:
        """Hold them."""
        self.bench = bench
        self.subject = subject
        self.program = program
        self.log = log

    def pids(self) -> list[int]:
        """Give the program's process and all that it started."""
        found, next_ones = [], [self.program.pid]
        while next_ones:
            pid = next_ones.pop()
            found.append(pid)
            try:
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
            except FileNotFoundError:
                continue
            next_ones += [int(child) for child in children.split()]
        return found

    def cpu_s(self) -> float:
        """Give the CPU time of all its threads, from the scheduler (nanoseconds, not ticks)."""
        spent = 0
        for pid in self.pids():
            for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                spent += int(path.read_text().split()[0])
        return spent / 1e9

    def rss_mb(self) -> float:
        """Give its resident memory."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.pids())
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def ask(self, *words: str, core: str = CLIENT_CORE) -> str:
        """Run dnsperf in the pod; its output."""
        return self.bench.pod.run("taskset", "-c", core, "dnsperf", "-s", SERVER, "-t", "3", *words, patience_s=600)

    def measure(
        self, target: str, seconds: int, *, clients: int = 20, rate: int | None = None, rounds: int | None = None
    ) -> Figure:
        """Ask a target's query file for so long, at a rate or at saturation, or a number of times through the file."""
        load = ["-Q", str(rate)] if rate else ["-q", "200"]
        much = ["-n", str(rounds)] if rounds else ["-l", str(seconds)]
        before_s = self.cpu_s()
        text = self.ask("-d", str(self.bench.place / f"{target}.txt"), "-c", str(clients), "-T", "1", *much, *load)
        spent_s = self.cpu_s() - before_s
        completed = int(number(text, "Queries completed"))
        return Figure(
            subject=self.subject.name,
            target=target,
            completed=completed,
            lost=int(number(text, "Queries lost")),
            qps=number(text, "Queries per second"),
            average_us=number(text, r"Average Latency \(s\)") * 1e6,
            cpu_us_per_query=spent_s * 1e6 / max(completed, 1),
            busy_percent=100 * spent_s / max(number(text, r"Run time \(s\)"), 1e-9),
            rss_mb=self.rss_mb(),
            rcodes=(re.search(r"Response codes:\s+(.*)", text) or ["", "no answer"])[1],
        )

    def check(self, *targets: str) -> None:
        """Check the answers before anything is timed."""
        for target in targets:
            if not self.subject.is_echo:
                words = [
                    sys.executable,
                    str(HERE / "check.py"),
                    SERVER,
                    str(self.bench.place / f"{target}.txt"),
                    target,
                ]
                self.bench.pod.run(*words)


def number(text: str, what: str) -> float:
    """Read one of dnsperf's figures."""
    found = re.search(what + r":\s+([\d.]+)", text)
    return float(found[1]) if found else float("nan")


@contextmanager
def running(bench: Bench, subject: Subject, settings: Settings, *, core: str | None = SERVER_CORE) -> Iterator[Running]:
    """Run a subject in the node until the end of the block; it must answer (or echo) first."""
    words = subject.prepare(bench.place, settings)
    pinned = ["taskset", "-c", core, *words] if core else words
    log = bench.place / f"{subject.name}.log"
    with log.open("wb") as file:
        program = bench.node.start(*pinned, log=file)
        try:
            held = Running(bench, subject, program, log)
            wait_until_it_answers(held)
            yield held
        finally:
            end(program)


def wait_until_it_answers(held: Running) -> None:
    """Ask until something comes back."""
    words = [sys.executable, str(HERE / "check.py"), SERVER, str(held.bench.place / "hits.txt"), "alive"]
    for _ in range(START_TRIES):
        if held.program.poll() is not None:
            break
        try:
            held.bench.pod.run(*words)
        except Exception:  # noqa: BLE001 - not yet, whatever the reason
            pause(0.05)
        else:
            return
    raise SystemExit(f"{held.subject.name}: does not answer; {held.log} says:\n{held.log.read_text()[-2000:]}")


def conditions(command: str) -> dict[str, str]:
    """Give what a result must say of where it was found."""
    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())

    def said(*words: str) -> str:
        try:
            done = subprocess.run(words, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            return "absent"
        text = (done.stdout + done.stderr).strip()
        return text.splitlines()[0] if text else ""

    return {
        "commit": said("git", "-C", str(HERE), "rev-parse", "HEAD"),
        "has_changes": str(bool(said("git", "-C", str(HERE), "status", "--porcelain"))),
        "cpu": model[1] if model else platform.processor(),
        "cores": str(os.cpu_count()),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "unbound": said("unbound", "-V"),
        "dnsdist": said("dnsdist", "--version"),
        "nsd": said("nsd", "-v"),
        "command": command,
    }


def keep(bench: str, text: str, figures: object, command: str) -> Path:
    """Write a result, dated, as JSON and as text; print the text."""
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    stem = RESULTS / f"{now:%Y-%m-%d-%H%M%S}-{bench}"
    about = conditions(command)
    kept = {"bench": bench, "at": now.isoformat(), "conditions": about, "figures": figures}
    stem.with_suffix(".json").write_text(json.dumps(kept, indent=1, default=asdict) + "\n")
    header = "".join(f"# {key}: {value}\n" for key, value in about.items())
    stem.with_suffix(".txt").write_text(f"# {bench}, {now:%Y-%m-%d %H:%M} UTC\n{header}\n{text}\n")
    print(text)
    return stem
