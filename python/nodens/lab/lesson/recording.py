"""What every step printed in a run that held: for pages, and for tests of the looks without a world."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from nodens.lab.lesson.model import Verdict

FILE: Final = Path(__file__).with_name("recorded.json")


def read() -> dict[int, list[str]]:
    """Read it: step number -> the output of each of its commands."""
    if not FILE.exists():
        return {}
    return {int(number): list(texts) for number, texts in json.loads(FILE.read_text(encoding="utf-8")).items()}


def write(verdicts: Sequence[Verdict], path: Path = FILE) -> None:
    """Write it, to be read in the diff."""
    told = {str(each.step.number): [output.text for output in each.outputs] for each in verdicts}
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
