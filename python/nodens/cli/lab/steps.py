"""nodens lab steps: list the lesson, and what of it has been done in this world."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from nodens.cli.lab.where import add_world
from nodens.lab import lesson
from nodens.lab.world import Place, ProxyMode, find

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(words: Sequence[str]) -> int:
    """List them; works without a world and without root, too."""
    parser = argparse.ArgumentParser(
        prog="nodens lab steps",
        description="List the 27 steps of the lesson: number, title, what each shows, what must be so before it, and "
        "whether it "
        "has been run in this world and held. `nodens lab step N` runs one, `nodens lab verify` all.",
    )
    parser.add_argument(
        "--markdown", action="store_true", help="the whole lesson as Markdown, with outputs of a recorded run"
    )
    add_world(parser)
    asked = parser.parse_args(words)
    world = find(Place(asked.world)) if os.geteuid() == 0 else None
    scene = lesson.Scene(proxy=world.mode if world else ProxyMode.IPTABLES)
    if asked.markdown:
        print(lesson.report.render_markdown(lesson.chapters(lesson.Scene()), lesson.recording.read()), end="")
        return 0
    print(lesson.report.render_list(lesson.chapters(scene), lesson.Teacher(world.place).done if world else {}), end="")
    place = Place(asked.world)
    print(f"\nrun one: sudo {place.line('step 1')}" if world else f"\nno world stands: sudo {place.line('up')}")
    return 0
