"""What pages show of the lesson is what a run prints: the same lines, but for numbers and names of each run."""

from __future__ import annotations

import re

import pytest

from nodens.lab import lesson
from nodens.lab.lesson import recording
from nodens.lab.lesson.model import State
from nodens.lab.world import World

pytestmark = [pytest.mark.netns, pytest.mark.slow, pytest.mark.timeout(120)]

# Those whose lines do not depend on how often it was asked before, or on the kernel's kinds of links.
STEPS = (1, 2, 6, 7, 9, 10, 12, 13, 14, 15, 17, 18, 21)


def shape(text: str) -> list[str]:
    """Take out what differs from run to run and from machine to machine; pods are listed by their chance names."""
    text = re.sub(r"node-local-dns-\w{5}\b", "node-local-dns-POD", text)
    text = re.sub(r"(?<![\w.])\d[\w.:]*", "N", text)
    return sorted(" ".join(line.split()) for line in text.splitlines())


@pytest.fixture(scope="module")
def teacher(raised: World) -> lesson.Teacher:
    """In a world with the cache installed."""
    found = lesson.Teacher(raised.place)
    found.bring(State.INSTALLED, lambda _line: None)
    return found


@pytest.mark.parametrize("raised", [("iptables", False)], indirect=True, ids=["iptables"])
@pytest.mark.parametrize("number", STEPS)
def test_a_run_prints_what_the_page_shows(number: int, teacher: lesson.Teacher) -> None:
    verdict = teacher.run(lesson.step(lesson.Scene(), number))
    recorded = recording.read()[number]
    for command, output, shown in zip(verdict.step.commands, verdict.outputs, recorded, strict=True):
        assert shape(output.text) == shape(shown), f"{command.here}\n`nodens lab verify --record` keeps a new run"


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        pytest.param(
            "node-local-dns-8f4jq 1/1 6s", "node-local-dns-2zzzz  0/1   12s", True, id="names, numbers, columns"
        ),
        pytest.param(
            "kube-dns 10.96.0.10", "kube-dns 10.96.0.11", True, id="addresses: the step's own checks hold them"
        ),
        pytest.param("a\nb", "a", False, id="a line is missing"),
        pytest.param("NOTRACK", "ACCEPT", False, id="another word"),
    ],
)
def test_shapes_differ_by_words_and_lines(one: str, other: str, is_same: bool) -> None:  # noqa: FBT001 - a row's value
    assert (shape(one) == shape(other)) is is_same
