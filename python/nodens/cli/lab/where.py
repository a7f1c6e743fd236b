"""Which world a sub-command means: `--world NAME`, for a second one beside the first; and the world that must stand."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from nodens.lab import world
from nodens.lab.world import Place, World

if TYPE_CHECKING:
    import argparse

VARIABLE: Final = "NODENS_LAB"


def add_world(parser: argparse.ArgumentParser) -> None:
    """Let a sub-command be told which world."""
    parser.add_argument(
        "--world",
        default=os.environ.get(VARIABLE, "lab"),
        metavar="NAME",
        help=f"a world of its own, beside others (default: {VARIABLE} of the environment, else `lab`)",
    )


def standing(name: str) -> World:
    """Give the world that stands; LabError if none does."""
    return world.standing(Place(name))
