"""Markers' needs, and the golden helper. Nothing clever."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"
sys.path.append(str(Path(__file__).parent))  # tests are no package; what serves several folders stands beside this file


def need(holds: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence: need(is_root, "root")
    """Skip the test by name where something is missing; in CI a skip is a failure to install it."""
    if holds:
        return
    if os.environ.get("NODENS_NO_SKIPS"):
        pytest.fail(f"needs {what}, and in CI everything must be there")
    pytest.skip(f"needs {what}")


@pytest.fixture
def needs() -> Callable[..., None]:
    """Give `needs(root=True, programs=("nsd",))`: a skip that says what is missing."""

    def check(*, root: bool = False, programs: tuple[str, ...] = ()) -> None:
        if root:
            need(os.geteuid() == 0, "root")
        for program in programs:
            path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
            need(shutil.which(program, path=path) is not None, f"the program `{program}`")

    return check


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare a text with tests/golden/NAME; `NODENS_GOLDEN=write` writes it, for a person to read in the diff."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("NODENS_GOLDEN") == "write":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"{path} is missing; write it with NODENS_GOLDEN=write and read it"
        assert text == path.read_text(encoding="utf-8")

    return compare
