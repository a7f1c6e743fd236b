"""Runs the system's tools and gives what they say; what fails is a LabError with the tool's own words."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from nodens.errors import LabError

PATIENCE_S = 30.0
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SHOWN_LIMIT = 400  # characters of a command in a message

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A command that has ended."""

    words: tuple[str, ...]
    code: int
    stdout: str
    stderr: str


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give the environment of what runs here: ours, with the system's programs on the path."""
    path = os.environ.get("PATH", "")
    return {**os.environ, "PATH": f"{path}:{SEARCH_PATH}" if path else SEARCH_PATH, **(more or {})}


def run(
    words: Sequence[str],
    *,
    text: str | None = None,
    env: Mapping[str, str] | None = None,
    patience_s: float = PATIENCE_S,
    check: bool = True,
) -> Done:
    """Run a command to its end; with `check`, LabError if its exit code is not 0."""
    try:
        ended = subprocess.run(
            list(words),
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=patience_s,
            env=environment(env),
            errors="replace",
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{_short(words)}: no end after {patience_s:g} s") from error
    except OSError as error:
        raise LabError(f"{_short(words)}: cannot run: {error.strerror}") from error
    done = Done(words=tuple(words), code=ended.returncode, stdout=ended.stdout, stderr=ended.stderr)
    if check and done.code:
        raise LabError(f"{_short(words)}: {done.stderr.strip() or done.stdout.strip() or f'exit code {done.code}'}")
    return done


def at_once(do: Callable[[Item], object], items: Iterable[Item]) -> None:
    """Do something for each item, side by side; the first error is raised once all have ended."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        for future in [pool.submit(do, item) for item in items]:
            future.result()


def _short(words: Sequence[str]) -> str:
    whole = " ".join(words)
    return whole if len(whole) <= _SHOWN_LIMIT else whole[:_SHOWN_LIMIT] + " ..."
