"""nodens lab verify: run the whole lesson and say whether every step holds."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from nodens.cli.lab.stage import staged
from nodens.cli.lab.where import add_world
from nodens.cli.live_line import CLEAR_LINE
from nodens.cli.readers import one_of
from nodens.errors import LabError
from nodens.lab import lesson
from nodens.lab.world import ProxyMode, require

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(words: Sequence[str]) -> int:
    """Run all in order; exit code 1 if one does not hold."""
    parser = argparse.ArgumentParser(
        prog="nodens lab verify",
        description="Run all 27 steps in order and compare each with what should be seen: a table at the end, and "
        "for each step "
        "that falls short, both. Raises a world if none stands, and takes it away again; a world that stands stays, "
        "with "
        "the cache installed. Takes a minute or so.",
        epilog="exit codes: 0 every step holds, 1 one does not, 5 the lab cannot work here",
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON, commands and outputs included")
    parser.add_argument(
        "--proxy",
        type=one_of("a mode of the lab's kube-proxy", ProxyMode.IPTABLES, ProxyMode.NFTABLES),
        metavar="{iptables,nftables}",
        help="kube-proxy's mode of a new world",
    )
    parser.add_argument("--record", action="store_true", help="keep the outputs for the pages that are made of them")
    add_world(parser)
    asked = parser.parse_args(words)
    require()
    with ExitStack() as life:
        world = life.enter_context(staged(asked.world, asked.proxy))
        teacher = lesson.Teacher(world.place)
        verdicts = [_run(teacher, step) for step in lesson.steps(lesson.Scene(proxy=world.mode))]
    if asked.record and all(each.holds for each in verdicts):
        lesson.recording.write(verdicts, Path(lesson.recording.FILE))
    print(
        json.dumps([lesson.report.as_plain(each) for each in verdicts], indent=2)
        if asked.json
        else lesson.report.render_table(verdicts),
        end="",
    )
    return 0 if all(each.holds for each in verdicts) else 1


def _run(teacher: lesson.Teacher, step: lesson.Step) -> lesson.Verdict:
    """Run a step, with a line that says so; show all of it if it falls short."""
    head = f"step {step.number:2}  {step.title}"
    if sys.stderr.isatty():
        sys.stderr.write(f"{head} ...")
        sys.stderr.flush()
    try:
        teacher.prepare(step, _tell)
    except LabError as error:  # the step will fall short, and say so with all the others
        sys.stderr.write(f"{error}\n")
    verdict = teacher.run(step)
    end = "holds" if verdict.holds else "DOES NOT HOLD"
    sys.stderr.write(f"{CLEAR_LINE if sys.stderr.isatty() else ''}{head}  {end}  {verdict.seconds:.1f} s\n")
    if not verdict.holds:
        sys.stderr.write(f"{lesson.report.render_verdict(verdict)}\n")
    sys.stderr.flush()
    return verdict


def _tell(line: str) -> None:
    """Say what is done before a step."""
    sys.stderr.write(f"{CLEAR_LINE if sys.stderr.isatty() else ''}  first: {line}\n")
