"""The options that shape a plan, shared by run, check and show."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

from nodens.cli.goflags import Flag, FlagError, Kind, parse
from nodens.plan import Facts

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

DNS_PORT = 53


def add_wishes(parser: ArgumentParser) -> None:
    """Add them to a command."""
    parser.add_argument(
        "--port", type=int, default=DNS_PORT, metavar="N", help="port of zones that name none (default %(default)s)"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="threads that answer (default: one for each core)")
    parser.add_argument(
        "--memory-limit",
        type=_size,
        metavar="SIZE",
        help="bytes for cache and queries in flight, such as 64Mi (default: from the cgroup's limit)",
    )


def read_wishes(asked: Namespace) -> Facts:
    """Read them as wishes of a plan."""
    given = {"default_port": "--port", "workers_wish": "--workers", "memory_budget_wish_bytes": "--memory-limit"}
    values = {"default_port": asked.port, "workers_wish": asked.workers, "memory_budget_wish_bytes": asked.memory_limit}
    sources = {
        field: f"option {option}"
        for field, option in given.items()
        if values[field] is not None and (field != "default_port" or asked.port != DNS_PORT)
    }
    return Facts(
        default_port=asked.port,
        workers_wish=asked.workers,
        memory_budget_wish_bytes=asked.memory_limit,
        source_of=sources,
    )


def _size(text: str) -> int:
    """Read a size for argparse."""
    flag = Flag(name="memory-limit", kind=Kind.SIZE, default=0, help="")
    try:
        return int(parse([flag], ["-memory-limit", text])[0]["memory-limit"])
    except FlagError as error:
        raise ArgumentTypeError(str(error).partition(": ")[2]) from error
