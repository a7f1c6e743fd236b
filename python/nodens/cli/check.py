"""nodens check: parse, compile, print every problem with place, line, caret and hint. Touches nothing."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from nodens import lifecycle
from nodens.cli.fillings import add_fillings, read_source
from nodens.cli.wishes import add_wishes
from nodens.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nodens.problems import Problem


def main(words: Sequence[str]) -> int:
    """Check one file; exit code 0 if it can be served, 2 if not."""
    parser = argparse.ArgumentParser(
        prog="nodens check",
        description="Read a Corefile as `nodens run` would, on this node, and print every problem at once.",
        epilog="exit codes: 0 it can be served (warnings may be printed), 2 it cannot",
    )
    parser.add_argument(
        "file", help="the Corefile, or the template that node-cache has as -basecorefile; `-` reads standard input"
    )
    parser.add_argument("--json", action="store_true", help="print problems as JSON, for editors and CI")
    add_wishes(parser)
    add_fillings(parser)
    asked = parser.parse_args(words)
    try:
        prepared = lifecycle.prepare(*read_source(asked, asked.file))
    except ConfigError as error:
        return _print(list(error.problems), as_json=asked.json, is_good=False)
    _print(list(prepared.problems), as_json=asked.json, is_good=True)
    if not asked.json:
        engine = prepared.plan.engine
        zones = sum(len(listener.zones) for listener in engine.listeners)
        print(f"{asked.file}: can be served: {_count(len(engine.listeners), 'listener')}, {_count(zones, 'zone')}")
    return 0


def _print(problems: Iterable[Problem], *, as_json: bool, is_good: bool) -> int:
    """Print problems; the exit code follows."""
    if as_json:
        print(json.dumps([_plain(problem) for problem in problems], indent=2))
    else:
        for problem in problems:
            sys.stderr.write(f"{problem.render()}\n")
    return 0 if is_good else 2


def _count(number: int, thing: str) -> str:
    """Say how many."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _plain(problem: Problem) -> dict[str, object]:
    """A problem as plain values."""
    return {
        "file": problem.at.file,
        "line": problem.at.line,
        "column": problem.at.column,
        "width": problem.at.width,
        "what": problem.what,
        "hint": problem.hint,
        "is_warning": problem.is_warning,
    }
