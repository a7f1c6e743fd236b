"""nodens started: whether the agent of this container answers; for a startup probe.

Ports do not tell: on the node's network the pod before this one answers on the same ones until all is handed over.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nodens import lifecycle

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(words: Sequence[str]) -> int:
    """Exit code 0 if the agent that wrote the pid file answers, else 1 and the reason."""
    parser = argparse.ArgumentParser(
        prog="nodens started",
        description="Whether the agent that was started with `-pidfile FILE` answers: it writes the file once it does.",
        epilog="exit codes: 0 it answers, 1 it does not, or not yet",
    )
    parser.add_argument("file", type=Path, help="what was given as -pidfile")
    if why_not := lifecycle.why_not_held(parser.parse_args(words).file):
        sys.stderr.write(f"{why_not}\n")
        return 1
    return 0
