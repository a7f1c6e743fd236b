"""Runs the node's own programs, such as iptables: with an end to every wait; what changes something goes with us."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from nodens.errors import NetworkError
from nodens.network.model import Step

if TYPE_CHECKING:
    from collections.abc import Sequence

_RUN_LIMIT_S: Final = 30  # a node with many thousand rules takes seconds; a tool that hangs must not hang us
_LOCK_WORDS: Final = "holding the xtables lock"
_MORE_PATHS: Final = ":/usr/sbin:/sbin:/usr/local/sbin"
_BROKEN_WORDS: Final = ("Fatal Python error", "Traceback (most recent call last)")  # Python's, and no tool's
# Asks the kernel to kill it when its parent dies, sees that the parent has not died before that, and becomes the
# program: PR_SET_PDEATHSIG is 1, SIGKILL is 9, and both outlive an exec.
_DIE_WITH_US: Final = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); "
    "os.getppid() == int(sys.argv[1]) or os._exit(1); os.execv(sys.argv[2], sys.argv[2:])"
)


def find_program(program: str) -> str | None:
    """Find a program where nodes keep it."""
    return shutil.which(program, path=os.environ.get("PATH", "") + _MORE_PATHS)


def run_tool(arguments: Sequence[str], step: Step, text: str | None = None, *, dies_with_us: bool = False) -> str:
    """Run a tool with a limit; what it prints on failure is the reason.

    `dies_with_us`: if we are killed, it is killed, too. An `iptables-restore` that waits for its lock would else live
    on, and steer for a dead agent.
    """
    path = find_program(arguments[0])
    if path is None:
        raise NetworkError(step, arguments[0], "no such program")
    command = [path, *arguments[1:]]
    try:
        done = (dies_with_us and _run_with_us(command, text)) or _run(command, text)
    except subprocess.TimeoutExpired as error:
        raise NetworkError(step, arguments[0], f"no end after {_RUN_LIMIT_S} s") from error
    except OSError as error:
        raise NetworkError(step, arguments[0], (error.strerror or "").lower(), error.errno) from error
    if done.returncode:
        why = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise NetworkError(Step.TAKE_LOCK if _LOCK_WORDS in why else step, arguments[0], why)
    return done.stdout


def _run(command: Sequence[str], text: str | None) -> subprocess.CompletedProcess[str]:
    """Run a command with a limit."""
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=_RUN_LIMIT_S, check=False)


def _run_with_us(command: Sequence[str], text: str | None) -> subprocess.CompletedProcess[str] | None:
    """Run it so that it dies with us. None: our interpreter cannot begin, so nothing on the node has changed.

    It may have gone from under us: a venv made anew, Python upgraded in place. To leave rules behind for that would be
    worse than a tool that, for some seconds, would not die with us.
    """
    try:
        done = _run([*_executioner(), *command], text)
    except OSError:
        return None
    return None if done.returncode and any(words in done.stderr for words in _BROKEN_WORDS) else done


def _executioner() -> tuple[str, ...]:
    """Words before a command that make the kernel kill it with us.

    An interpreter of its own, 15 ms a call: a `preexec_fn` may hang where threads run, no program of the node's can be
    relied on, and to take iptables' lock ourselves would shut out the child. The kernel means the thread that forked
    when it says parent: ours waits until the child has ended.
    """
    return (sys.executable, "-I", "-S", "-c", _DIE_WITH_US, str(os.getpid())) if sys.executable else ()
