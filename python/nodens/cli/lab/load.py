"""nodens lab load: ask at an even rate from the pod dns-test while something happens; tell what became of it."""

from __future__ import annotations

import argparse
import sys
from threading import Event
from typing import TYPE_CHECKING, Final

from nodens.cli.lab.where import add_world, standing
from nodens.cli.readers import read_seconds, read_whole
from nodens.errors import LabError
from nodens.lab import lesson
from nodens.lab.world import require

if TYPE_CHECKING:
    from collections.abc import Sequence

_ASIDE_S: Final = 0.5  # of quiet asking, before and after the command
_ALONE_S: Final = 3.0
_RATE_LIMIT: Final = lesson.asking.RATE_LIMIT
_SECONDS_LIMIT: Final = lesson.asking.SECONDS_LIMIT


def main(words: Sequence[str]) -> int:
    """Ask; the exit code is the command's."""
    parser = argparse.ArgumentParser(
        prog="nodens lab load",
        description="Ask 10.96.0.10 from the pod dns-test, at an even rate and each query from a port of its own. "
        "Half a "
        "second after the beginning a command is run, if one is given. Tells how many were answered, by whom, how many "
        "were lost, and the longest gap. The load stays within the world's namespaces.",
    )
    parser.add_argument(
        "--rate", type=read_whole, default=500, help=f"a second; {_RATE_LIMIT} at most (default %(default)s)"
    )
    parser.add_argument(
        "--for",
        type=read_seconds,
        dest="seconds",
        metavar="S",
        help="seconds (default: 3; with a command, till it has ended)",
    )
    parser.add_argument("command", nargs="?", default="", help="a line for sh, run while the load goes on")
    add_world(parser)
    asked = parser.parse_args(words)
    most_s = asked.seconds or (_SECONDS_LIMIT if asked.command else _ALONE_S)
    if not 0 < asked.rate <= _RATE_LIMIT or not 0 < most_s <= _SECONDS_LIMIT:
        raise LabError(f"load: expected at most {_RATE_LIMIT} a second for at most {_SECONDS_LIMIT:g} s")
    require()
    world, code = standing(asked.world), 0
    end = "till the command has ended" if asked.command and not asked.seconds else f"for {most_s:g} s"
    sys.stderr.write(f"asking 10.96.0.10 from dns-test, {asked.rate:,} times a second, {end}\n")
    sys.stderr.flush()
    with lesson.loads.load(world, lesson.loads.order_of(asked.rate, most_s)) as running:
        if asked.command:
            Event().wait(_ASIDE_S)
            code = lesson.Shell(world.place).run_aside(asked.command)
            if not asked.seconds:
                Event().wait(_ASIDE_S)
                running.stop()
        print(running.end())
    return code
