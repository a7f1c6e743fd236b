"""Plays every story twice: rehearsed on core's Resolver with a hand-turned clock, and against the real program."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from nodens.lab import theatre
from nodens.lab.story import Story, parse_story

HERE = Path(__file__).parent
STORIES = [
    parse_story(str(path.relative_to(HERE).with_suffix("")), path.read_text(encoding="utf-8"))
    for path in sorted(HERE.rglob("*.story"))
]
IN_THE_PROGRAM = [story for story in STORIES if story.is_for_the_program]
SIDE_BY_SIDE = 6  # stories that wait in real time, at once


@pytest.mark.parametrize("story", [story for story in STORIES if not story.program_only], ids=lambda story: story.name)
def test_the_story_comes_true_when_rehearsed(story: Story) -> None:
    theatre.rehearse(story)


@pytest.fixture(scope="module")
def premiere() -> Iterator[dict[str, Future[None]]]:
    """Start one program for all stories and play them side by side; each test waits for its own."""
    with theatre.Theatre(IN_THE_PROGRAM).open() as house, ThreadPoolExecutor(SIDE_BY_SIDE) as stages:
        yield {story.name: stages.submit(house.play, story) for story in IN_THE_PROGRAM}


@pytest.mark.parametrize("story", IN_THE_PROGRAM, ids=lambda story: story.name)
def test_the_story_comes_true_with_the_program(story: Story, premiere: dict[str, Future[None]]) -> None:
    premiere[story.name].result(25)
