"""Points traffic at us while we answer. The act opens with the steering issue; its place in a life is here."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nodens.plan import NetworkPlan


@contextmanager
def steering(plan: NetworkPlan) -> Iterator[None]:
    """Hold traffic pointed at us. Until the steering issue this changes nothing on the node."""
    del plan
    yield
