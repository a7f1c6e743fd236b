"""nodens lab load: ask at an even rate from the pod dns-test, have something happen meanwhile, tell what became of all."""

from __future__ import annotations

import argparse
import sys
from threading import Event
from typing import TYPE_CHECKING, Final

from nodens.cli.lab.where import add_world, standing
from nodens.errors import LabError
from nodens.lab import lesson
from nodens.lab.world import require

if TYPE_CHECKING:
    from collections.abc import Sequence

_BEFORE_S: Final = 0.5  # of quiet asking, before the command


def main(words: Sequence[str]) -> int:
    """Ask; the exit code is the command's."""
    parser = argparse.ArgumentParser(
        prog="nodens lab load",
        description="Ask 10.96.0.10 from the pod dns-test, at an even rate and each query from a port of its own. Half a "
        "second after the beginning a command is run, if one is given. Tells how many were answered, by whom, how many were "
        "lost, and the longest gap. The load stays within the world's namespaces.",
    )
    parser.add_argument(
        "--rate", type=int, default=500, help=f"a second; {lesson.asker.RATE_LIMIT} at most (default %(default)s)"
    )
    parser.add_argument(
        "--for", type=float, default=3.0, dest="seconds", metavar="S", help="seconds (default %(default)s)"
    )
    parser.add_argument("command", nargs="?", default="", help="a line for sh, run while the load goes on")
    add_world(parser)
    asked = parser.parse_args(words)
    if not 0 < asked.rate <= lesson.asker.RATE_LIMIT or not 0 < asked.seconds <= lesson.asker.SECONDS_LIMIT:
        raise LabError(
            f"load: expected at most {lesson.asker.RATE_LIMIT} a second for at most {lesson.asker.SECONDS_LIMIT:g} s"
        )
    require()
    world, code = standing(asked.world), 0
    sys.stderr.write(f"asking 10.96.0.10 from dns-test: {asked.rate:,} a second for {asked.seconds:g} s\n")
    with lesson.loads.load(world, lesson.loads.order_of(asked.rate, asked.seconds)) as running:
        if asked.command:
            Event().wait(_BEFORE_S)
            code = lesson.Shell(world.place).run_aside(asked.command)
        print(running.end())
    return code
