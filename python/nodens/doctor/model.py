"""What the doctor says (lines with a verdict), and what the verdicts are made from (findings, or why there is none)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"  # works, and could be better or soon be worse
    BAD = "bad"  # DNS of this node is broken, or will be when the agent starts or dies
    SKIPPED = "skipped"  # not seen: no right, no tool, not asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the report."""

    check: str
    verdict: Verdict
    what: str
    hint: str = ""


def is_well(lines: Iterable[Line]) -> bool:
    """Whether nothing is bad."""
    return all(line.verdict is not Verdict.BAD for line in lines)


@dataclass(frozen=True, slots=True)
class Unseen:
    """A finding that could not be had."""

    why: str


# ------------ Whom it is about ------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An address and a port."""

    address: str
    port: int = 53

    def __str__(self) -> str:
        """Write it, IPv6 in brackets."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A server that is asked. `needs` are the protocols that the agent will use; `is_cluster`: it knows our names."""

    place: Place
    needs: tuple[str, ...] = ("udp", "tcp")
    is_cluster: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The node as the agent sees it: what the checks ask about.

    `borrowed` are the cluster DNS service's addresses, `cluster` where cluster DNS itself is asked.
    """

    own: tuple[str, ...] = ()
    borrowed: tuple[str, ...] = ()
    port: int = 53
    link_name: str = "nodelocaldns"
    domain: str = "cluster.local"
    names: tuple[str, ...] = ()
    cluster: tuple[Place, ...] = ()
    upstreams: tuple[Upstream, ...] = ()
    is_steered: bool = True
    is_in_pod: bool = False

    @property
    def local(self) -> tuple[str, ...]:
        """All addresses that are ours to answer on."""
        return (*self.own, *self.borrowed)


# ------------ Findings ------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """Capabilities that this process lacks, by name; the lowest port that needs none."""

    lacking: tuple[str, ...]
    first_free_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server said: rcode, the answers' data sorted, and after how long. `trouble`: why nothing was said."""

    rcode: str = ""
    records: tuple[str, ...] = ()
    took_ms: float = 0.0
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What became of questions to one of our addresses: by UDP so many, of which so many silent; one by TCP."""

    asked: int
    silent: int
    is_heard_by_tcp: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvConf:
    """The nameservers of a resolv.conf; `behind` are those of systemd-resolved, if the file names its stub."""

    path: str
    nameservers: tuple[str, ...] | None
    behind: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A running agent: its process, and what its metrics tell, if they can be read (`steers` None: they do not)."""

    pid: int | None
    program: str
    version: str = ""
    rung: str = ""
    steers: bool | None = None
