"""How full the connection tracker is. A full one drops packets, DNS first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FOLDER: Final = Path("/proc/sys/net/netfilter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conntrack:
    """Entries there are, and entries there may be (0: no limit)."""

    count: int
    limit: int


def survey_conntrack(folder: Path = _FOLDER) -> Conntrack:
    """Read the two numbers. Raises OSError where this kernel tracks nothing."""
    count, limit = (int((folder / f"nf_conntrack_{name}").read_text()) for name in ("count", "max"))
    return Conntrack(count=count, limit=limit)
