"""The keeper of one pod, as the kubelet is: starts its container, starts it again when it ends, ends it when told.

A program of its own - `python -m nodens.lab.kube.keeper FOLDER` - so that pods outlive the command that made them.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Final

from nodens.errors import LabError
from nodens.lab.kube import sandbox
from nodens.lab.kube.orders import LOG, STATUS, Order, Program, Status, read_order, write

BACK_OFF_S: Final = (0.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0)  # before each new start, as the kubelet's
_STOPS: Final = {signal.SIGTERM, signal.SIGINT}


class Keeper:
    """Keeps one pod."""

    def __init__(self, folder: Path, order: Order) -> None:
        """Take the order; nothing is started yet."""
        self._folder = folder
        self._order = order
        self._restarts = 0

    def live(self) -> None:
        """Run the containers that come first, then the one that stays, until told to end."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {*_STOPS, signal.SIGCHLD})
        for program in self._order.first:
            while (code := self._run(program, f"Init:{program.name}")) != 0:
                if code is None or not self._pause("Init:CrashLoopBackOff"):
                    return
        while self._run(self._order.program, "Running") is not None:
            if not self._pause("CrashLoopBackOff"):
                return

    def _tell(self, phase: str, pid: int = 0) -> None:
        """Say how it goes."""
        write(self._folder / STATUS, Status(phase=phase, pid=pid, restarts=self._restarts))

    def _pause(self, phase: str) -> bool:
        """Wait before the next start; False if told to end meanwhile."""
        self._tell(phase)
        wait_s = BACK_OFF_S[min(self._restarts, len(BACK_OFF_S) - 1)]
        self._restarts += 1
        until_s = time.monotonic() + wait_s
        while (left_s := until_s - time.monotonic()) > 0:
            told = signal.sigtimedwait({*_STOPS, signal.SIGCHLD}, left_s)
            if told and told.si_signo in _STOPS:
                return False
        return True

    def _run(self, program: Program, phase: str) -> int | None:
        """Run a container to its end and give its exit code; None if we were told to end."""
        pid = os.fork()
        if pid == 0:
            self._become(program)
        self._tell(phase, pid)
        is_ending = False
        limit_s: float | None = None
        while True:
            done, code = os.waitpid(pid, os.WNOHANG)
            if done:
                return None if is_ending else os.waitstatus_to_exitcode(code)
            left_s = 3600.0 if limit_s is None else max(0.0, limit_s - time.monotonic())
            told = signal.sigtimedwait({*_STOPS, signal.SIGCHLD}, left_s)
            if told and told.si_signo in _STOPS and not is_ending:
                is_ending, limit_s = True, time.monotonic() + self._order.grace_s
                self._tell("Terminating", pid)
                os.kill(pid, signal.SIGTERM)
            elif told is None and limit_s is not None:
                os.kill(pid, signal.SIGKILL)

    def _become(self, program: Program) -> None:
        """Be the container, in a process of its own; what hinders it goes into its log."""
        try:
            sandbox.die_with_parent()
            log = os.open(self._folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            for descriptor in (1, 2):
                os.dup2(log, descriptor)
            signal.pthread_sigmask(signal.SIG_SETMASK, set())
            root = self._folder / "root"
            root.mkdir(exist_ok=True)
            sandbox.make_root(root, sandbox.own_code())
            for bind in program.binds:
                sandbox.bind(Path(bind.source), root / bind.path.lstrip("/"), is_read_only=bind.is_read_only)
            sandbox.enter_root(root, is_read_only=program.is_root_read_only)
            sandbox.keep_capabilities(program.capabilities, may_gain=program.may_gain)
            sandbox.become(program.words, program.environment)
        except (LabError, OSError) as error:
            os.write(2, f"container {program.name}: {error}\n".encode())
        finally:
            os._exit(128)  # in a forked child nothing of the parent may be tidied up


def main() -> int:
    """Keep the pod of a folder."""
    folder = Path(sys.argv[1])
    order = read_order(folder)
    sandbox.join_network(order.namespace)  # who takes the world away finds us by our network
    Keeper(folder, order).live()
    return 0


if __name__ == "__main__":
    sys.exit(main())
