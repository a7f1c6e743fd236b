"""The texts of the lesson, a file per chapter: steps as values, in the order in which they are learnt."""

from __future__ import annotations

from nodens.errors import LabError
from nodens.lab.lesson.chapters import before, cache, deploying, dying, logging, manifest, packet
from nodens.lab.lesson.model import Chapter, Scene, Step


def chapters(scene: Scene) -> tuple[Chapter, ...]:
    """Give the whole lesson."""
    return (
        Chapter(title="Before", steps=before.steps()),
        Chapter(title="The manifest", steps=manifest.steps()),
        Chapter(title="Deploying it", steps=deploying.steps()),
        Chapter(title="The way of a packet", steps=packet.steps(scene)),
        Chapter(title="The cache at work", steps=cache.steps()),
        Chapter(title="The query log", steps=logging.steps()),
        Chapter(title="When it dies, when it is replaced", steps=dying.steps()),
    )


def steps(scene: Scene) -> tuple[Step, ...]:
    """Give all steps in order."""
    return tuple(step for chapter in chapters(scene) for step in chapter.steps)


def step(scene: Scene, number: int) -> Step:
    """Find a step by its number."""
    for each in steps(scene):
        if each.number == number:
            return each
    raise LabError(f"lab: step {number} is not in the lesson; expected 1 to {len(steps(scene))}")
