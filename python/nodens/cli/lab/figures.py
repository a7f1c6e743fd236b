"""nodens lab figures: measure before and after in one run; as a table, as JSON, as Markdown, as a picture."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nodens.cli.lab.stage import staged
from nodens.cli.lab.where import add_world
from nodens.cli.readers import one_of
from nodens.lab import lesson
from nodens.lab.world import ProxyMode, require

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(words: Sequence[str]) -> int:
    """Measure, and tell."""
    parser = argparse.ArgumentParser(
        prog="nodens lab figures",
        description="Measure what the cache does for a pod: latency, DNAT, conntrack, TCP towards cluster DNS, the "
        "tail with "
        "1 % loss, metrics, negative caching - before and after, in one run of half a minute. In a world that stands "
        "the "
        "cache is taken away first, and is installed afterwards; without one, a world is raised and taken away again.",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw it")
    parser.add_argument("--md", type=Path, metavar="FILE", help="write the table as Markdown")
    parser.add_argument(
        "--proxy",
        type=one_of("a mode of the lab's kube-proxy", ProxyMode.IPTABLES, ProxyMode.NFTABLES),
        metavar="{iptables,nftables}",
        help="kube-proxy's mode of a new world",
    )
    add_world(parser)
    asked = parser.parse_args(words)
    require()
    with staged(asked.world, asked.proxy) as world:
        teacher = lesson.Teacher(world.place)
        teacher.bring(lesson.State.BEFORE, _tell)
        found = lesson.figures.measure(world.place, lambda: teacher.bring(lesson.State.INSTALLED, _tell), _tell)
    if asked.svg:
        asked.svg.write_text(lesson.picture.draw(found), encoding="utf-8")
    if asked.md:
        asked.md.write_text(lesson.figures_text.render_markdown(found), encoding="utf-8")
    text = lesson.figures_text
    print(json.dumps(text.as_plain(found), indent=2) if asked.json else text.render(found), end="")
    return 0


def _tell(text: str) -> None:
    """Say how it goes."""
    sys.stderr.write(f"  {text}\n")
    sys.stderr.flush()
