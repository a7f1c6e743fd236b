"""Every mode, for tests that hold for all."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nodens.manifests import Options

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package; `modes` and `charts` stand beside this file

from modes import EVERY


@pytest.fixture(params=list(EVERY))
def options(request: pytest.FixtureRequest) -> Options:
    """Give every mode, in one family, the other and both."""
    return EVERY[request.param]


@pytest.fixture(scope="session")
def house() -> Path:
    """Give the root of the repository."""
    return Path(__file__).parents[2]
