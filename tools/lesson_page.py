"""Fills the steps of lab/README.md: the lesson's own texts and commands, and what a recorded run of it printed.

    sudo nodens lab verify --record && make docs
    sudo nodens lab figures --svg docs/pictures/figures.svg --md lab/figures.md

Prose between the steps is written by hand and stays. A step's part stands between `<!-- step N -->` and
`<!-- end of step -->`. `tests/docs` holds the page to the lesson.
"""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from nodens.lab.lesson import Scene, Step, recording, steps
from nodens.lab.lesson.model import Command

PAGE = Path(__file__).parents[1] / "lab" / "README.md"
_PART = re.compile(r"(<!-- step (\d+) -->\n).*?(<!-- end of step -->)", re.DOTALL)
_OURS = re.compile(r"\bnodens lab\b")


def fill(page: str, recorded: Mapping[int, Sequence[str]]) -> str:
    """Write every step's part anew."""
    known = {step.number: step for step in steps(Scene())}
    return _PART.sub(
        lambda part: f"{part[1]}{_step(known[int(part[2])], recorded.get(int(part[2]), ()))}{part[3]}", page
    )


def _step(step: Step, outputs: Sequence[str]) -> str:
    """Write what a step shows, the lines for Kind, the lines for `nodens lab` with what they printed, and the note."""
    kind = [line for command in step.commands if (line := kind_line(command))]
    here = [command.here for command in step.commands]
    parts = [_prose(step.shows)]
    if kind != here:
        parts += ["With Kind:", _fenced("sh", "\n".join(kind)), "With `nodens lab`:"]
    printed = [*map(clean, outputs), *[""] * len(here)]
    parts.append(_fenced("console", "".join(map(_typed, here, printed))))
    if step.note:
        parts.append(_fenced("text", step.note) if "\n" in step.note else _prose(step.note))
    return "".join(f"{part}\n\n" for part in parts).rstrip() + "\n"


def kind_line(command: Command) -> str:
    """Give what is typed in the Kind lesson; nothing where a command is the lab's alone."""
    return command.kind or ("" if _OURS.search(command.here) else command.here)


def clean(output: str) -> str:
    """Drop what cannot be seen: blanks at ends of lines, empty lines at the end."""
    text = "\n".join(line.rstrip() for line in output.splitlines()).rstrip()
    return f"{text}\n" if text else ""


def _typed(command: str, output: str) -> str:
    """Write a command behind its prompt, as a shell shows it, and what it printed."""
    typed, held = "", ""
    for line in command.splitlines():
        typed += f"{'>' if held else '$'} {line}\n"
        held = f"{held}\n{line}" if held else line
        held = held if _is_open(held) else ""
    return typed + output


def _is_open(line: str) -> bool:
    """Whether a quote stays open, so that a shell would ask for more."""
    try:
        shlex.split(line)
    except ValueError:
        return True
    return False


def _fenced(language: str, text: str) -> str:
    """Put a fence round a text."""
    return f"```{language}\n{text.rstrip()}\n```"


def _prose(text: str) -> str:
    """Write a terminal's lines as a paragraph: what Markdown would take for a mark of its own is escaped."""
    pieces = re.split(r"(`[^`]*`)", " ".join(text.split()))
    escaped = "".join(
        each if each.startswith("`") else re.sub(r"(_(?=_)|(?<=_)_|[*<])", r"\\\1", each) for each in pieces
    )
    return textwrap.fill(escaped, 125, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), recording.read()), encoding="utf-8")
