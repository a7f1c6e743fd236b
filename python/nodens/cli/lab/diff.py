"""nodens lab diff: the pod's node before and after, side by side."""

from __future__ import annotations

import argparse
import shutil
import sys
from typing import TYPE_CHECKING

from nodens.cli.lab.where import add_world, standing
from nodens.errors import LabError
from nodens.lab import lesson
from nodens.lab.world import require

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(words: Sequence[str]) -> int:
    """Show both; what was before was kept when the cache was installed."""
    parser = argparse.ArgumentParser(
        prog="nodens lab diff",
        description="Show the node of dns-test before and after the cache is installed, side by side: resolv.conf, "
        "link, "
        "route, rules, and two hundred queries; then both ways asked in turn, which takes some seconds. `nodens lab "
        "create` keeps what was before.",
    )
    parser.add_argument("--prepare", action="store_true", help="install the cache first, if it is not")
    add_world(parser)
    asked = parser.parse_args(words)
    require()
    teacher = lesson.Teacher(standing(asked.world).place)
    if asked.prepare:
        teacher.bring(lesson.State.INSTALLED, lambda line: print(f"$ {line}", file=sys.stderr, flush=True))
    before = lesson.snapshot.read(teacher.before_file)
    if before is None or not teacher.is_installed:
        raise LabError(
            "lab: there is no after yet: the cache is not installed\n"
            f"hint: {teacher.place.line('diff --prepare')}, or steps 3 to 9 of the lesson"
        )
    width = shutil.get_terminal_size((160, 40)).columns
    after = lesson.snapshot.take(standing(asked.world))
    bold = ("\x1b[1m", "\x1b[0m") if sys.stdout.isatty() else ("", "")
    print(lesson.snapshot.beside(before, after, width, lambda line: bold[0] + line + bold[1]), end="", flush=True)
    print(lesson.turns.render(lesson.turns.take(standing(asked.world))), end="")
    return 0
