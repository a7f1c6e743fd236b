"""`prometheus`: where metrics are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodens.config.addresses import read_endpoint
from nodens.config.directives.grammar import Repeat, Row, Uses
from nodens.config.model import Endpoint

if TYPE_CHECKING:
    from nodens.problems import Problems

DEFAULT = Endpoint(host="localhost", port=9153)


def read(uses: Uses, problems: Problems) -> Endpoint:
    """Read `[HOST:PORT]`."""
    words = uses[-1].arguments
    return (read_endpoint(words[0], problems) if words else None) or DEFAULT


ROW = Row(
    name="prometheus",
    summary="Serves `GET /metrics`, and counts the queries of this block.",
    reader=read,
    field="prometheus",
    arguments="[HOST:PORT]",
    most=1,
    default="localhost:9153",
    notes="Blocks with the same endpoint share it. Queries of blocks without `prometheus` are not in `coredns_dns_*`.",
    repeat=Repeat.WRONG,
)
