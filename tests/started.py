"""A program that a test has started: what it has said so far, and how it ended. Anywhere: here, or in a namespace."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

from nodens.errors import LabError
from nodens.lab.world import programs

LIMIT_S = 15.0


class Here:
    """No namespace at all, as a place for programs."""

    name = "here"

    @staticmethod
    def command(*words: str) -> list[str]:
        """Give the command line that becomes the program."""
        return ["env", *words]


class Started:
    """A program that runs, and what it says."""

    def __init__(self, where: programs.Where, order: programs.Order, log: Path) -> None:
        """Start it."""
        self._program = programs.start(where, order, log)
        self.pid = self._program.pid  # whatever is around it becomes it

    @property
    def said(self) -> str:
        """All that was said."""
        return programs.said(self._program)

    def until(self, pattern: str, times: int = 1) -> str:
        """Wait until a pattern was said so many times; gives the last."""

        def found() -> list[str]:
            return [each.group() for each in re.finditer(pattern, self.said, re.MULTILINE)]

        self._wait_until(lambda: len(found()) >= times, pattern)
        return found()[times - 1]

    def until_stopped(self) -> None:
        """Wait until it stands still, by SIGSTOP."""
        stat = Path(f"/proc/{self.pid}/stat")
        self._wait_until(lambda: stat.read_text().rpartition(") ")[2][0] == "T", "its stop")

    def _wait_until(self, holds: Callable[[], bool], what: str) -> None:
        try:
            programs.wait_until(holds, LIMIT_S, what)
        except LabError as error:
            raise AssertionError(f"{what} in:\n{self.said}") from error

    def send(self, number: signal.Signals) -> float:
        """Send a signal; gives when."""
        programs.send(self._program, number)
        return time.monotonic()

    def wait(self) -> int:
        """Wait for the end; gives the exit code."""
        self._wait_until(self.is_gone, f"the end of pid {self.pid}")
        code = programs.exit_code(self._program)
        assert code is not None
        return code

    def is_gone(self) -> bool:
        """Whether it has ended."""
        return programs.exit_code(self._program) is not None

    def close(self) -> None:
        """End it, whatever it does."""
        programs.send(self._program, signal.SIGKILL)
        self.wait()
