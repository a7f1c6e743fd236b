"""nodens lab down: take the world away, or whatever is left of one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from nodens.cli.lab.where import add_world
from nodens.lab.world import Place, clear, require

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(words: Sequence[str]) -> int:
    """Take it away; nothing to do is well, too."""
    parser = argparse.ArgumentParser(
        prog="nodens lab down",
        description="End every program of the world, remove its namespaces, its mounts and its folder under /run. "
        "Works on a world that is broken or half gone, and does nothing where there is none.",
    )
    add_world(parser)
    asked = parser.parse_args(words)
    require()
    found = clear(Place(asked.world))
    print(f"removed: {', '.join(found)}" if found else "nothing was there")
    return 0
