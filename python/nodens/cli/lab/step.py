"""nodens lab step N: run steps of the lesson, and say whether they hold."""

from __future__ import annotations

import argparse
from itertools import chain
from typing import TYPE_CHECKING

from nodens.cli.lab.where import add_world, standing
from nodens.errors import LabError
from nodens.lab import lesson
from nodens.lab.world import VARIABLE, default_name, require

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(words: Sequence[str]) -> int:
    """Run them in the order given; exit code 1 if one does not hold."""
    parser = argparse.ArgumentParser(
        prog="nodens lab step",
        description="Run steps of the lesson: each says what it shows, types its commands, prints what came, and "
        "compares it "
        "with what should be seen. A step needs the world, and some need the cache deployed: --prepare sees to it.",
        epilog="exit codes: 0 all hold, 1 one does not, 5 there is no world, or a step needs what is not there",
    )
    parser.add_argument(
        "number", nargs="+", type=_numbers, metavar="N", help="1 to 27, or such as 3-5; `nodens lab steps` lists them"
    )
    parser.add_argument("--prepare", action="store_true", help="first run what has to be run before, saying so")
    add_world(parser)
    asked = parser.parse_args(words)
    require()
    world = standing(asked.world)
    teacher, holds = lesson.Teacher(world.place), True
    for number in chain(*asked.number):
        step = lesson.step(lesson.Scene(proxy=world.mode), number)
        _make_ready(teacher, step, is_asked_for=asked.prepare)
        print(lesson.report.render_head(step), flush=True)
        verdict = teacher.run(step)
        print(lesson.report.render_verdict(verdict), flush=True)
        holds = holds and verdict.holds
    return 0 if holds else 1


def _numbers(word: str) -> range:
    """Read a step's number, or the first and last of some."""
    first, dash, last = word.partition("-")
    numbers = [int(each) for each in (first, last if dash else first) if each.isascii() and each.isdecimal()]
    every = [step.number for step in lesson.steps(lesson.Scene())]
    if len(numbers) != 2 or not every[0] <= numbers[0] <= numbers[1] <= every[-1]:  # noqa: PLR2004 - first and last
        raise argparse.ArgumentTypeError(f"`{word}` is not a step; expected {every[0]} to {every[-1]}, or such as 3-5")
    return range(numbers[0], numbers[1] + 1)


def _make_ready(teacher: lesson.Teacher, step: lesson.Step, *, is_asked_for: bool) -> None:
    """Prepare what a step needs, or say what that is."""
    missing = teacher.missing(step)
    if missing and not is_asked_for:
        place = teacher.place
        which = [] if place.name == default_name() else [f"export {VARIABLE}={place.name}"]
        lines = "\n".join(f"      {line}".replace("\n", "\n      ") for line in [*which, *missing])
        raise LabError(
            f"lab: step {step.number} needs: {step.needs}\n"
            f"hint: `{place.line(f'step {step.number} --prepare')}` runs what is missing, in {teacher.shell.folder}:\n"
            f"{lines}"
        )
    if missing:
        print(f"preparing: {step.needs}")
        teacher.prepare(step, lambda line: print("$ " + line.replace("\n", "\n  "), flush=True))
        print()
