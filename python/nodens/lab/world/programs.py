"""Long-running programs in rooms: started apart from us, logged to a file, ended by pid and only if it is still they.

    program = start(room, Order(name="node-cache", role="node cache", command=(sys.executable, "-m", ...), env={...}))
    is_alive(program)
    end(program)

A program outlives the command that started it; what is known of it is a value that goes into the state file.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nodens.errors import LabError
from nodens.lab.world.errands import SEARCH_PATH, environment
from nodens.lab.world.room import Room

END_PATIENCE_S = 10.0  # a drain of the node cache takes up to 5 s
START_PATIENCE_S = 10.0
LOOK_EVERY_S = 0.01
_TAIL_LINES = 8
_OURS: set[int] = set()  # started by this very process, so to be buried by it


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to start: a name that is unique in its room, what it is for, the command line, what its environment adds."""

    name: str
    role: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    answers: tuple[str, int] | None = None  # whom to ask, inside its network, to learn that it is well


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program that was started. `born` is the kernel's note of its start: a pid alone may be another's by now."""

    name: str
    role: str
    room: str
    pid: int
    born: str
    command: tuple[str, ...]
    log: str
    answers: tuple[str, int] | None = None


def start(room: Room, order: Order, log: Path | None = None) -> Program:
    """Start a program in a room, in a session of its own; its output goes to a log that is begun anew."""
    path = log or room.place.folder / "logs" / room.name / f"{order.name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    words = room.command(*order.command)
    told = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o644)
    silence = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    try:
        pid = _spawn(words, order.env, silence, told)
    finally:
        os.close(told)
        os.close(silence)
    return Program(
        name=order.name,
        role=order.role,
        room=room.name,
        pid=pid,
        born=_born(pid),
        command=order.command,
        log=str(path),
        answers=order.answers,
    )


def _spawn(words: list[str], env: Mapping[str, str], stdin: int, stdout: int) -> int:
    actions = [
        (os.POSIX_SPAWN_DUP2, stdin, 0),
        (os.POSIX_SPAWN_DUP2, stdout, 1),
        (os.POSIX_SPAWN_DUP2, stdout, 2),
    ]
    whole = environment(env)
    for folder in SEARCH_PATH.split(":"):
        if os.access(f"{folder}/{words[0]}", os.X_OK):
            pid = os.posix_spawn(f"{folder}/{words[0]}", words, whole, file_actions=actions, setsid=True)
            _OURS.add(pid)
            return pid
    raise LabError(f"{words[0]}: not found on {SEARCH_PATH}")


def is_alive(program: Program) -> bool:
    """Whether it still runs: the same process, not another with its number, and not one that waits to be buried."""
    bury()
    return bool(program.born) and _born(program.pid) == program.born


def bury() -> None:
    """Let go of those that this process started and that have ended."""
    for pid in tuple(_OURS):
        try:
            ended, _ = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            ended = pid
        if ended:
            _OURS.discard(pid)


def end(program: Program, *, sign: signal.Signals = signal.SIGTERM, patience_s: float = END_PATIENCE_S) -> bool:
    """End it and wait; after the patience it is killed. Gives whether it went by itself."""
    if not send(program, sign):
        return True
    try:
        wait_until(lambda: not is_alive(program), patience_s, f"{program.name} on {program.room}")
    except LabError:
        send(program, signal.SIGKILL)
        wait_until(lambda: not is_alive(program), END_PATIENCE_S, f"{program.name} on {program.room}")
        return False
    return True


def send(program: Program, sign: signal.Signals) -> bool:
    """Send it a signal, if it is still there; gives whether it was."""
    if not is_alive(program):
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(program.pid, sign)
    return True


def said(program: Program) -> str:
    """Give all that it has said."""
    with contextlib.suppress(FileNotFoundError):
        return Path(program.log).read_text(encoding="utf-8", errors="replace")
    return ""


def wait_said(program: Program, text: str, patience_s: float = START_PATIENCE_S) -> None:
    """Wait until it has said something; LabError with its last lines if it ends first, or says it too late."""

    def is_over() -> bool:
        return text in said(program) or not is_alive(program)

    wait_until(is_over, patience_s, f"{program.name} on {program.room} to say `{text}`")
    if text not in said(program):
        last = "\n".join(said(program).splitlines()[-_TAIL_LINES:])
        raise LabError(f"lab: {program.name} on {program.room} ended before it said `{text}`:\n{last}")


def wait_until(holds: Callable[[], bool], patience_s: float, what: str) -> None:
    """Look again and again until something holds; LabError when the patience is over."""
    deadline = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > deadline:
            raise LabError(f"lab: waited {patience_s:g} s in vain for {what}")
        select.select([], [], [], LOOK_EVERY_S)


def _born(pid: int) -> str:
    """Give the kernel's note of a process's start; empty if there is none, or it is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] in {"Z", "X"} else fields[19]
