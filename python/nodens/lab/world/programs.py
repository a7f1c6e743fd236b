"""Long-running programs in rooms: started apart from us, logged to a file, ended by pid and only if it is still they.

    order = Order(name="node-cache", role="node cache", command=(sys.executable, "-m", ...), env={...})
    program = start(room, order, log)
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
from typing import Protocol

from nodens.errors import LabError
from nodens.lab.world.errands import SEARCH_PATH, environment

END_PATIENCE_S = 10.0  # a drain of the node cache takes up to 5 s
START_PATIENCE_S = 10.0
LOOK_EVERY_S = 0.01
CLUSTER_VARIABLES = ("_SERVICE_HOST", "_SERVICE_PORT")  # of a cluster that this machine may be in; not of this world
_TAIL_LINES = 8
_OURS: dict[int, int | None] = {}  # started by this very process, so to be buried by it: pid, exit code


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


class Where(Protocol):
    """Where a program can run: a room, or a bare namespace."""

    @property
    def name(self) -> str:
        """Give its name."""

    def command(self, *words: str) -> list[str]:
        """Give the command line that becomes a program there."""


def start(where: Where, order: Order, log: Path) -> Program:
    """Start a program somewhere, in a session of its own; its output goes to a log that is begun anew."""
    log.parent.mkdir(parents=True, exist_ok=True)
    words = where.command(*order.command)
    told = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o644)
    silence = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    try:
        pid = _spawn(words, order.env, silence, told)
    finally:
        os.close(told)
        os.close(silence)
    return Program(
        name=order.name,
        role=order.role,
        room=where.name,
        pid=pid,
        born=_born(pid),
        command=order.command,
        log=str(log),
        answers=order.answers,
    )


def _spawn(words: list[str], env: Mapping[str, str], stdin: int, stdout: int) -> int:
    actions = [
        (os.POSIX_SPAWN_DUP2, stdin, 0),
        (os.POSIX_SPAWN_DUP2, stdout, 1),
        (os.POSIX_SPAWN_DUP2, stdout, 2),
    ]
    mine = {name: text for name, text in environment().items() if not name.endswith(CLUSTER_VARIABLES)}
    whole = mine | dict(env)
    for folder in SEARCH_PATH.split(":"):
        if os.access(f"{folder}/{words[0]}", os.X_OK):
            pid = os.posix_spawn(f"{folder}/{words[0]}", words, whole, file_actions=actions, setsid=True)
            _OURS[pid] = None
            return pid
    raise LabError(f"{words[0]}: not found on {SEARCH_PATH}")


def is_alive(program: Program) -> bool:
    """Whether it still runs: the same process, not another with its number, and not one that waits to be buried."""
    bury()
    return bool(program.born) and _born(program.pid) == program.born


def bury() -> None:
    """Let go of those that this process started and that have ended."""
    for pid in [pid for pid, code in _OURS.items() if code is None]:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            _OURS[pid] = os.waitstatus_to_exitcode(status)


def exit_code(program: Program) -> int | None:
    """Give the exit code of a program that this process started; None while it runs. A signal is negative."""
    bury()
    return _OURS.get(program.pid)


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


def wait_said(program: Program, text: str, patience_s: float = START_PATIENCE_S, *, times: int = 1) -> None:
    """Wait until it has said something; LabError with its last lines if it ends first, or says it too late."""

    def is_over() -> bool:
        return said(program).count(text) >= times or not is_alive(program)

    wait_until(is_over, patience_s, f"{program.name} on {program.room} to say `{text}`")
    if said(program).count(text) < times:
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
