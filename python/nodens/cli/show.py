"""nodens show: what would be used, and where each value comes from. Touches nothing."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from nodens import config, corefile, engine, lifecycle, observe, plan
from nodens.cli.fillings import add_fillings, read_source
from nodens.cli.wishes import add_wishes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def main(words: Sequence[str]) -> int:
    """Print one of the things that can be shown."""
    parser = argparse.ArgumentParser(
        prog="nodens show",
        description="Print what `nodens run` would use on this node.",
        epilog="corefile: with imports, snippets and variables put in; plan: every value, and behind `#` where it "
        "comes from; directives and metrics: every one of them, as in docs/",
    )
    parser.add_argument("what", choices=("corefile", "plan", "directives", "metrics"), help="what to print")
    parser.add_argument(
        "file", nargs="?", help="the Corefile, or the template that node-cache has as -basecorefile; `-` reads stdin"
    )
    parser.add_argument("--corefile", default="Corefile", metavar="FILE", help="the same (default: ./Corefile)")
    add_wishes(parser)
    add_fillings(parser)
    asked = parser.parse_args(words)
    if asked.what == "directives":
        print(config.document(), end="")
        return 0
    if asked.what == "metrics":
        print(observe.document(engine.catalogue()), end="")
        return 0
    prepared = lifecycle.prepare(*read_source(asked, asked.file or asked.corefile))
    if asked.what == "corefile":
        print(corefile.render(prepared.tree), end="")
    else:
        print("\n".join(render_plan(prepared.plan)))
    return 0


def render_plan(decided: plan.Plan) -> Iterator[str]:
    """Write every value with its path and its origin, a line each."""
    rows = [(path, _spell(value), origin) for path, value, origin in plan.explain(decided)]
    left = max((len(path) for path, _, _ in rows), default=0)
    middle = min(max((len(value) for _, value, _ in rows), default=0), 40)
    for path, value, origin in rows:
        yield f"{path:{left}}  {value:{middle}}  # {origin}"


def _spell(value: object) -> str:
    """Write a value for people."""
    if value is None or value in ("", ()):
        return "-"
    if isinstance(value, tuple):
        return " ".join(str(each) for each in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
