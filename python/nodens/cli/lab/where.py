"""Which world a sub-command means: `--world NAME`, for a second one beside the first; and the world that must stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodens.lab import world
from nodens.lab.world import VARIABLE, Place, World, default_name

if TYPE_CHECKING:
    import argparse


def add_world(parser: argparse.ArgumentParser) -> None:
    """Let a sub-command be told which world."""
    parser.add_argument(
        "--world",
        default=default_name(),
        metavar="NAME",
        help=f"a world of its own, beside others (default: {VARIABLE} of the environment, else `lab`)",
    )


def standing(name: str) -> World:
    """Give the world that stands; LabError if none does."""
    return world.standing(Place(name))
