"""A world for the length of a command: the one that stands, or one raised for it and taken away again."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nodens.errors import LabError
from nodens.lab.world import Place, Progress, ProxyMode, Wish, World, clear, find, up

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def staged(name: str, proxy: ProxyMode | None) -> Iterator[World]:
    """Give a world to work in."""
    place = Place(name)
    world = find(place)
    if world:
        if proxy not in {None, world.mode}:
            raise LabError(
                f"lab: a world stands with kube-proxy's mode {world.mode}; expected {proxy}\nhint: {place.line('down')}"
            )
        yield world
        return
    world = up(place, Wish(mode=proxy or ProxyMode.IPTABLES), _tell)
    try:
        yield world
    finally:
        found = clear(place)
        sys.stderr.write(f"taken away again: {', '.join(found)}\n")


def _tell(progress: Progress) -> None:
    """Say what was done."""
    if progress.seconds is not None:
        sys.stderr.write(f"[{progress.number}/{progress.of}] {progress.what}\n")
        sys.stderr.flush()
