"""What the keeper of a pod is told, and what it tells: two small JSON files in the pod's folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

ORDER: Final = "order.json"
STATUS: Final = "status.json"
LOG: Final = "log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """A file or folder of the machine, shown in the container."""

    source: str
    path: str
    is_read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A container as it is started."""

    name: str
    words: tuple[str, ...]
    binds: tuple[Bind, ...]
    environment: dict[str, str]
    capabilities: tuple[str, ...]
    is_root_read_only: bool
    may_gain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A pod as it is started: where, what first, what then, and how long its end may take."""

    pod: str
    namespace: str  # of the network: the node's
    first: tuple[Program, ...]
    program: Program
    grace_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How it goes: `phase` as kubectl shows it, the container's process (0: none), how often it was started again."""

    phase: str
    pid: int
    restarts: int


def write(path: Path, value: Order | Status) -> None:
    """Put it there in one piece."""
    swap = path.with_suffix(".new")
    swap.write_text(json.dumps(asdict(value)), encoding="utf-8")
    swap.replace(path)


def read_order(folder: Path) -> Order:
    """Read the order of a pod."""
    told = json.loads((folder / ORDER).read_text(encoding="utf-8"))
    first = tuple(_program(each) for each in told.pop("first"))
    return Order(first=first, program=_program(told.pop("program")), **told)


def read_status(folder: Path) -> Status:
    """Read how it goes; before the keeper has said anything it is pending."""
    path = folder / STATUS
    if not path.exists():
        return Status(phase="Pending", pid=0, restarts=0)
    return Status(**json.loads(path.read_text(encoding="utf-8")))


def _program(told: dict[str, Any]) -> Program:
    """Make lists tuples again."""
    binds = tuple(Bind(**each) for each in told["binds"])
    lists = {"binds": binds, "words": tuple(told["words"]), "capabilities": tuple(told["capabilities"])}
    return Program(**{**told, **lists})
