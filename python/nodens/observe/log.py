"""Lines to standard output, `[LEVEL] text` or JSON: one stream, one format, each line in one write.

The engine's log thread writes to the same descriptor; whole lines in single writes keep the two from mixing.
"""

from __future__ import annotations

import json
import os
import time
from enum import StrEnum


class Level(StrEnum):
    """How a line is marked."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    FATAL = "FATAL"


class LogForm(StrEnum):
    """How a line is written."""

    TEXT = "text"  # as node-cache and CoreDNS do
    JSON = "json"  # one object a line, for collectors that read fields


class Log:
    """Where the control plane's lines go. `shows_debug` follows the plan."""

    def __init__(self, descriptor: int = 1, *, before: str = "", form: LogForm = LogForm.TEXT) -> None:
        """Write to this descriptor; `before` each line goes what clears a line that lives on the same terminal."""
        self._descriptor = descriptor
        self._before = before
        self._form = form
        self.shows_debug = False

    def line(self, text: str) -> None:
        """Write a line without a level, as start-up lines are."""
        self._write(None, text)

    def debug(self, text: str) -> None:
        """Say what only a developer asks for."""
        if self.shows_debug:
            self._write(Level.DEBUG, text)

    def info(self, text: str) -> None:
        """Say what happened."""
        self._write(Level.INFO, text)

    def warning(self, text: str) -> None:
        """Say what may become trouble."""
        self._write(Level.WARNING, text)

    def error(self, text: str) -> None:
        """Say what went wrong."""
        self._write(Level.ERROR, text)

    def fatal(self, text: str) -> None:
        """Say why this is the end."""
        self._write(Level.FATAL, text)

    def _write(self, level: Level | None, text: str) -> None:
        """Write all of it; a reader that went away is no reason to stop serving DNS."""
        left = f"{self._before}{self._spell(level, text)}\n".encode(errors="replace")
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError:
            return

    def _spell(self, level: Level | None, text: str) -> str:
        """Put a line into its form; in JSON text of several lines is one."""
        if self._form is LogForm.TEXT:
            return f"[{level}] {text}" if level else text
        now_s = round(time.time(), 3)
        return json.dumps(
            {"ts": now_s, "level": (level or Level.INFO).lower(), "message": text},
            separators=(",", ":"),
            ensure_ascii=False,
        )
