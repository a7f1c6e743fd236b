"""run.py: all benches, one after the other, each of moderate length. `make bench` runs this."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BENCHES = (
    ("start.py",),
    ("beside.py", "--turns", "3", "--seconds", "6"),
    ("memory.py",),
    ("names.py", "--turns", "3"),
    ("workers.py", "--turns", "2"),
    ("reloads.py", "--reloads", "200"),
    ("blackhole.py", "--seconds", "20"),
)


def main() -> int:
    """Run each; go on after a failure, and tell."""
    failed = [
        name
        for name, *words in BENCHES
        if subprocess.run([sys.executable, HERE / name, *words], check=False).returncode
    ]
    if failed:
        print(f"failed: {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
