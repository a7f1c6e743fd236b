"""The shell in which steps are run: lines as a learner types them, in the lesson's own folder of the world."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from nodens.lab.lesson.model import Output
from nodens.lab.world import VARIABLE, Place

_TAKES_TOO_LONG: Final = 124  # what timeout(1) says


class Shell:
    """Runs lines. `nodens` in them is the one that runs us, wherever it is installed."""

    def __init__(self, place: Place) -> None:
        """Make the folder and the command, if they are not there."""
        self.folder = place.scratch / "lesson"
        self._commands = place.scratch / "bin"
        self._place = place
        self.folder.mkdir(parents=True, exist_ok=True)
        self._commands.mkdir(parents=True, exist_ok=True)
        command = self._commands / "nodens"
        if not command.exists():
            command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nodens "$@"\n', encoding="utf-8")
            command.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        """Give what a line runs with: no colours, no pager, English, our commands first."""
        package = str(Path(__file__).resolve().parents[3])
        path = f"{self._commands}:{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
        return {**os.environ, "PATH": path, VARIABLE: self._place.name, "PYTHONPATH": package, "LC_ALL": "C"}

    def run(self, line: str, patience_s: float = 60.0) -> Output:
        """Run a line to its end; both streams as a terminal shows them. What takes too long is ended."""
        with subprocess.Popen(
            ["/bin/sh", "-c", line],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                text, _ = process.communicate(timeout=patience_s)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                text, _ = process.communicate()
                return Output(text=f"{text}(no end after {patience_s:g} s)\n", code=_TAKES_TOO_LONG)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)  # Ctrl-C, say: it has a session of its own and does not hear it
                raise
        return Output(text=text, code=process.returncode)

    def run_aside(self, line: str) -> int:
        """Run a line on our own terminal and give its exit code."""
        return subprocess.run(["/bin/sh", "-c", line], check=False, env=self.environment).returncode
