"""Runs the runnable blocks of a page, in order, in a folder that looks like the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from doc_pages import HOUSE, Block, Page

# What differs from run to run.
MASKS = (
    (r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d", "DATE"),
    (r"\b\d+(\.\d+)? ?(ns|us|µs|ms|s)\b", "TIME"),
    (r"\bpid \d+", "pid N"),
    (r"nodens \d+\.\d+\.\d+", "nodens VERSION"),
)
LEFT_OUT = {".git", "target", "lab"}


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a block, and what it should print; None where nothing is promised."""

    command: str
    expected: str | None


def steps_of(block: Block) -> Iterator[Step]:
    """Give what a block runs."""
    if block.language == "sh":
        yield Step(block.text, None)
        return
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, rest = part.partition("\n")
        while rest.startswith("> "):  # the shell asks for more: a quote or a line that goes on
            more, _, rest = rest[2:].partition("\n")
            command = f"{command}\n{more}"
        yield Step(command, rest)


def masked(text: str) -> str:
    """Make two runs alike."""
    for pattern, word in MASKS:
        text = re.sub(pattern, word, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def agrees(said: str, expected: str) -> bool:
    """Whether a command said what it should; a line `...` stands for any lines."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else f"{re.escape(line)}\n" for line in masked(expected).splitlines()
    )
    return re.fullmatch(pattern, f"{masked(said)}\n" if said.strip() else "") is not None


def make_folder(page: Page, root: Path) -> Path:
    """Make a folder like the repository, where a page's commands may write; give where they start."""
    for entry in HOUSE.iterdir():
        if entry.name not in LEFT_OUT:
            (root / entry.name).symlink_to(entry)
    if (HOUSE / "lab").exists():
        shutil.copytree(HOUSE / "lab", root / "lab")
    start = root / "lab" if page.path.parent.name == "lab" else root
    for name, source in page.lent.items():
        shutil.copy(HOUSE / source, start / name)
    (start / "as-root").mkdir()
    (start / "as-root" / "sudo").write_text('#!/bin/sh\nexec "$@"\n', encoding="utf-8")
    (start / "as-root" / "sudo").chmod(0o755)
    for block in page.blocks:
        if block.file:
            (start / block.file).write_text(block.text, encoding="utf-8")
    return start


def environment(folder: Path) -> dict[str, str]:
    """What a page's commands run with."""
    return {
        "PATH": f"{folder / 'as-root'}:{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin:/sbin",
        "NODENS_LAB": f"docs{os.getpid()}",  # a world of our own, beside whatever stands here
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "COLUMNS": "120",
    }


def take_down(folder: Path) -> None:
    """Leave no world behind where a block ended half-way."""
    subprocess.run(["nodens", "lab", "down"], env=environment(folder), check=True, capture_output=True)


def run(block: Block, folder: Path) -> Iterator[str]:
    """Run a block; give what went otherwise than the page says."""
    inside = ["unshare", "-n"] if "root" in block.marks else []
    begin = "ip link set lo up\n" if inside else ""
    for step in steps_of(block):
        ended = subprocess.run(
            [*inside, "bash", "-euo", "pipefail", "-c", begin + step.command],
            cwd=folder,
            env=environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=25,
            check=False,
        )
        if step.expected is None and ended.returncode:
            yield f"{block.place}: exit code {ended.returncode}: {ended.stdout}"
        elif step.expected is not None and not agrees(ended.stdout, step.expected):
            yield f"{block.place}: $ {step.command}\nsaid:\n{ended.stdout}\nbut the page says:\n{step.expected}"
