"""What the kernel says of this process: the `process_*` families, read from /proc."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import TYPE_CHECKING

from nodens.observe.catalogue import (
    CPU_SECONDS,
    MAX_FDS,
    OPEN_FDS,
    RECEIVED,
    RESIDENT,
    START_TIME,
    TRANSMITTED,
    VIRTUAL,
    VIRTUAL_MAX,
    Sample,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nodens.observe.catalogue import Family

_NO_LIMIT = float(2**64)  # what client_golang shows when there is none

# Fields of /proc/self/stat after the closing bracket of the name; proc(5) counts from 1, with two fields before.
_UTIME, _STIME, _START, _VSIZE, _RSS = 11, 12, 19, 20, 21


def process_samples(proc: Path = Path("/proc")) -> list[Sample]:
    """Read all of them; what cannot be read is left out, a scrape never fails for it."""
    return [Sample(family=family, labels=(), value=value) for family, value in _read(proc)]


def _read(proc: Path) -> Iterator[tuple[Family, float]]:
    """Go through the sources, each on its own."""
    soft_fds, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft_space, _ = resource.getrlimit(resource.RLIMIT_AS)
    yield MAX_FDS, float(soft_fds)
    yield VIRTUAL_MAX, _NO_LIMIT if soft_space == resource.RLIM_INFINITY else float(soft_space)
    try:
        yield OPEN_FDS, float(len(os.listdir(proc / "self/fd")))  # noqa: PTH208 - iterdir is ten times slower here
        yield from _stat((proc / "self/stat").read_text(), (proc / "stat").read_text())
        yield from _network((proc / "self/net/netstat").read_text())
    except (OSError, ValueError, IndexError):
        return


def _stat(own: str, system: str) -> Iterator[tuple[Family, float]]:
    """Read times and sizes out of /proc/self/stat and the boot time out of /proc/stat."""
    fields = own.rpartition(")")[2].split()
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    boot = next(float(line.split()[1]) for line in system.splitlines() if line.startswith("btime "))
    yield CPU_SECONDS, (int(fields[_UTIME]) + int(fields[_STIME])) / ticks
    yield START_TIME, boot + int(fields[_START]) / ticks
    yield VIRTUAL, float(fields[_VSIZE])
    yield RESIDENT, float(int(fields[_RSS]) * page)


def _network(text: str) -> Iterator[tuple[Family, float]]:
    """Read bytes in and out of the IpExt pair of lines in /proc/self/net/netstat."""
    names, values = (line.split()[1:] for line in text.splitlines() if line.startswith("IpExt:"))
    found = dict(zip(names, values, strict=True))
    yield RECEIVED, float(found["InOctets"])
    yield TRANSMITTED, float(found["OutOctets"])
