"""Fixtures: a world of the lesson under a name of its own, and the command that a person types."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package

from lab_words import Typed, silently

from nodens.lab.world import Place, ProxyMode, Wish, World, clear, up

PROGRAMS = ("ip", "nft", "iptables", "conntrack", "unshare", "nsenter")


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    place = Place(f"t{os.getpid()}")
    clear(place)
    yield place
    clear(place)


@pytest.fixture(scope="module")
def raised(request: pytest.FixtureRequest, place: Place) -> World:
    """Stand for a whole module; one that can be changed must be put back by its test."""
    clear(place)
    mode, dual_stack = request.param
    return up(place, Wish(mode=ProxyMode(mode), dual_stack=dual_stack), silently)


@pytest.fixture
def typed(place: Place) -> Typed:
    """Give `typed("status", "--json", PATH=...)`: `nodens lab status --json` with this world's name."""

    def type_in(*words: str, patience_s: float = 25, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "nodens", "lab", *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=patience_s,
            env={**os.environ, "NODENS_LAB": place.name, **environment},
        )

    return type_in


@pytest.fixture(autouse=True)
def _needed(needs: Callable[..., None]) -> None:
    needs(root=True, programs=PROGRAMS)
