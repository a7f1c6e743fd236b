"""Where the house stands."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def house() -> Path:
    """Give the root of the repository."""
    return Path(__file__).parents[2]
