"""A step of the lesson as a value: what it shows, what is typed, what should be seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from nodens.lab.world.proxy import ProxyMode


class State(StrEnum):
    """What must be so before a step makes sense."""

    UP = "the world is up"
    BEFORE = "the cache is not installed"
    COPIED = "a fresh copy of the manifest is there"
    FILLED = "the manifest's addresses are filled in"
    READY = "the manifest is filled in, and the cache is not installed"
    INSTALLED = "the cache is installed and ready"
    LOGGING = "the cache is installed, and logs queries"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What is typed here, and the line of the Kind lesson where it is another one."""

    here: str
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What a command printed, both streams as they came, and how it ended."""

    text: str
    code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A sentence that should be true of the outputs, and the look that tells."""

    says: str
    holds: Callable[[tuple[Output, ...]], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step."""

    number: int
    title: str
    shows: str
    needs: State
    commands: tuple[Command, ...]
    checks: tuple[Check, ...]
    note: str = ""  # what a reader should know beside it
    patience_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """Some steps under one title."""

    title: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of a step."""

    step: Step
    outputs: tuple[Output, ...]
    kept: tuple[bool, ...]  # a check each
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether all was as it should be."""
        return all(self.kept) and all(output.code == 0 for output in self.outputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the texts of the steps depend on."""

    proxy: ProxyMode = ProxyMode.IPTABLES
