"""An account of a pod's queries under load: a `witness` asks in the pod, and what became of each query is told here.

asking = Asking(pod.command, "10.96.0.10", rate=1_000)
...
print(asking.end())     # 4,000 queries at 1,000/s: 3,990 answered by the node, 10 by cluster DNS, 0 lost, ...
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from nodens.errors import LabError

END_PATIENCE_S = 15.0

Row = tuple[float, float | None, str]  # when it was sent, when answered, by whom or why not


@dataclass(slots=True)
class Account:
    """What became of every query: when it was sent, when answered, by whom."""

    rows: list[Row] = field(default_factory=list)

    @property
    def lost(self) -> list[Row]:
        """Give those that nobody answered."""
        return [row for row in self.rows if row[2] not in {"node", "cluster"}]

    def by(self, who: str, since: float = 0.0, until: float = float("inf")) -> int:
        """Count the answers of somebody to what was sent in a time."""
        return sum(1 for sent, _, by in self.rows if by == who and since <= sent < until)

    def first_by(self, who: str, since: float) -> float:
        """Give the seconds from a moment to the first answer of somebody to a query sent after it."""
        return next((at - since for sent, at, by in self.rows if by == who and sent >= since and at), float("inf"))

    @property
    def gap_ms(self) -> float:
        """Give the longest time during which no query that was sent got an answer."""
        longest, begun = 0.0, None
        for sent, _, by in self.rows:
            if by in {"node", "cluster"}:
                longest, begun = max(longest, sent - begun if begun else 0.0), None
            else:
                begun = begun or sent
        if begun:
            longest = max(longest, self.rows[-1][0] - begun)
        return longest * 1e3

    def __str__(self) -> str:
        """Say it in a line."""
        spent = self.rows[-1][0] - self.rows[0][0]
        return (
            f"{len(self.rows):,} queries at {len(self.rows) / spent:,.0f}/s: {self.by('node'):,} answered by the node, "
            f"{self.by('cluster'):,} by cluster DNS, {len(self.lost)} lost, longest gap {self.gap_ms:.0f} ms"
        )


class Asking:
    """A pod that asks, until `end` or `close`."""

    def __init__(self, command: Callable[..., list[str]], address: str, rate: int) -> None:
        """Start it where `command` runs things; it asks from now on."""
        self._process = subprocess.Popen(
            command(sys.executable, "-m", "nodens.lab.witness", address, str(rate)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        first = self._process.stdout.readline() if self._process.stdout else b""
        if first != b"ready\n":
            rest, _ = self._process.communicate(timeout=END_PATIENCE_S)
            raise LabError(f"witness: does not start: {(first + rest).decode(errors='replace')}")

    def end(self) -> Account:
        """Let the last answers come; give what became of all."""
        out, _ = self._process.communicate(timeout=END_PATIENCE_S)
        return Account([(sent, at, who) for sent, at, who in json.loads(out)])

    def close(self) -> None:
        """End it, whatever it does."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
