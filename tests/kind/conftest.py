"""A bench for the scripts of lab/."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from kind_bench import Bench, make_bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Give a bench where all tools are there and nothing stands."""
    return make_bench(tmp_path)
