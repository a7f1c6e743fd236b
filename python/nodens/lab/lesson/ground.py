"""What a step stands on: how far the lesson has come in this world, and the lines that lead to where a step begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, assert_never

from nodens.lab.kube import Cluster, Key
from nodens.lab.lesson.chapters.logging import WITH_LOG
from nodens.lab.lesson.chapters.manifest import FILL, TAKE
from nodens.lab.lesson.chapters.words import MANIFEST
from nodens.lab.lesson.model import State
from nodens.lab.lesson.shell import Shell
from nodens.lab.world import World

AGENT: Final = Key(kind="DaemonSet", namespace="kube-system", name="node-local-dns")
_CONFIG: Final = Key(kind="ConfigMap", namespace="kube-system", name="node-local-dns")
_WORD: Final = "__PILLAR__LOCAL__DNS__"
WAIT: Final = "nodens lab rollout status daemonset/node-local-dns -n kube-system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """How far the lesson has come."""

    has_file: bool = False
    is_filled: bool = False
    is_created: bool = False
    is_ready: bool = False
    is_logging: bool = False


def survey(world: World, shell: Shell) -> Facts:
    """Look: at the file in the lesson's folder, at the objects, at the pods."""
    file = shell.folder / MANIFEST
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    cluster = Cluster(world)
    found, config = cluster.find(AGENT), cluster.find(_CONFIG)
    pods = cluster.up_to_date(found) if found else []
    is_ready = bool(found) and len(pods) == len(world.nodes) and all(pod.is_ready for pod in pods)
    corefile = str((config.body.get("data") or {}).get("Corefile", "")) if config else ""
    return Facts(
        has_file=bool(lines),
        is_filled=bool(lines) and not any(_WORD in line for line in lines),
        is_created=bool(found),
        is_ready=is_ready,
        is_logging=any(line.strip() == "log" for line in corefile.splitlines()),
    )


def is_there(state: State, facts: Facts) -> bool:
    """Whether a step that needs a state can begin."""
    return not way_to(state, facts)


def way_to(state: State, facts: Facts) -> list[str]:
    """Give the lines that lead to a state from where the lesson is; empty if it is there."""
    fill = [] if facts.is_filled else [*([] if facts.has_file else [TAKE]), *FILL]
    match state:
        case State.UP:
            return []
        case State.BEFORE:
            return [f"nodens lab delete -f {MANIFEST}"] if facts.is_created else []
        case State.COPIED:
            return [TAKE] if facts.is_filled or not facts.has_file else []
        case State.FILLED:
            return fill
        case State.READY:
            return [*fill, *way_to(State.BEFORE, facts)]
        case State.INSTALLED | State.LOGGING:
            created = [] if facts.is_created else [f"nodens lab create -f {MANIFEST}"]
            installed = [] if facts.is_ready else [*fill, *created, WAIT]
            has_log = state is State.INSTALLED or facts.is_logging
            return [*installed, *([] if has_log else [*([] if installed else fill), *WITH_LOG])]
        case _:
            assert_never(state)
