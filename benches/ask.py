"""ask.py SERVER FILE RATE SECONDS: open-loop load from inside the pod; prints JSON. SIGTERM ends it."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from nodens.lab.load import Load, apply_load


def main() -> None:
    """Ask, then tell."""
    server, file, rate, seconds = sys.argv[1:5]
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: ended.append(number))
    questions = [(words[0], words[1]) for line in Path(file).read_text().splitlines()[:5000] if (words := line.split())]
    load = Load(address=(server, 53), questions=questions, rate_per_s=int(rate), seconds=float(seconds), ports=64)
    outcome = apply_load(load, until=lambda: bool(ended))
    told = {
        "sent": outcome.sent,
        "lost": outcome.lost,
        "strange": outcome.strange,
        "rcodes": outcome.rcodes,
        "p50_us": outcome.latency.quantile_us(0.5),
        "p99_us": outcome.latency.quantile_us(0.99),
        "p999_us": outcome.latency.quantile_us(0.999),
        "highest_us": outcome.latency.highest_us,
        "behind_ms": outcome.behind_s * 1000,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
