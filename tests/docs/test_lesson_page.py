"""lab/README.md says what the lesson says: its texts, its commands, and what a recorded run of them printed."""

from __future__ import annotations

import re
import sys

import pytest
from doc_pages import HOUSE

from nodens.lab.lesson import Scene, recording, steps
from nodens.lab.lesson.model import Command

sys.path.insert(0, str(HOUSE / "tools"))

from lesson_page import PAGE, clean, fill, kind_line

STEPS = steps(Scene())


def test_the_page_is_what_the_lesson_and_its_recorded_run_make_of_it() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == fill(page, recording.read()), "`make docs` writes it anew"


def test_every_step_has_its_heading_and_its_part_in_order() -> None:
    page = PAGE.read_text(encoding="utf-8")
    numbers = [step.number for step in STEPS]
    assert [int(found) for found in re.findall(r"^### (\d+)\. ", page, re.MULTILINE)] == numbers
    assert [int(found) for found in re.findall(r"^<!-- step (\d+) -->$", page, re.MULTILINE)] == numbers
    assert len(re.findall(r"^<!-- end of step -->$", page, re.MULTILINE)) == len(numbers)


def test_every_step_shows_what_a_run_printed() -> None:
    recorded = recording.read()
    assert [step.number for step in STEPS if not any(map(clean, recorded.get(step.number, ())))] == []


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        pytest.param(Command(here="nodens lab x", kind="kubectl x"), "kubectl x", id="another line"),
        pytest.param(Command(here="grep x y"), "grep x y", id="the same line"),
        pytest.param(Command(here="nodens lab load x"), "", id="the lab's alone"),
    ],
)
def test_kind_is_told_what_is_typed_there(command: Command, expected: str) -> None:
    assert kind_line(command) == expected


def test_no_line_for_kind_names_the_lab() -> None:
    assert not [line for step in STEPS for each in step.commands if "nodens lab" in (line := kind_line(each))]
