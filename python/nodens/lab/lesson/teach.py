"""Runs steps: prepares what they need, types their commands, looks at what came."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from nodens.errors import LabError
from nodens.lab.lesson import ground
from nodens.lab.lesson.model import Output, State, Step, Verdict
from nodens.lab.lesson.shell import Shell
from nodens.lab.world import Place, standing

_DONE: Final = "done.json"

Tell = Callable[[str], None]


class Teacher:
    """Goes through steps in one world, and keeps which of them have been seen to hold."""

    def __init__(self, place: Place) -> None:
        """Stand in the world of a place."""
        self.place = place
        self.shell = Shell(place)

    @property
    def before_file(self) -> Path:
        """Give where the node's state from before the cache was installed is kept."""
        return self.place.scratch / "before.json"

    @property
    def is_installed(self) -> bool:
        """Whether the cache is there and ready."""
        return ground.is_there(State.INSTALLED, ground.survey(standing(self.place), self.shell))

    def missing(self, step: Step) -> list[str]:
        """Give the lines that have to be run before a step makes sense.

        That pods are not ready is not among them: the step itself will tell.
        """
        way = ground.way_to(step.needs, ground.survey(standing(self.place), self.shell))
        return [line for line in way if line != ground.WAIT]

    def prepare(self, step: Step, tell: Tell) -> None:
        """Run them, saying so."""
        self.bring(step.needs, tell)

    def bring(self, state: State, tell: Tell) -> None:
        """Lead the lesson to a state, line by line."""
        for line in ground.way_to(state, ground.survey(standing(self.place), self.shell)):
            tell(line)
            ended = self.shell.run(line)
            if ended.code:
                raise LabError(f"lab: cannot see to it that {state}: `{line}` ended with {ended.code}:\n{ended.text}")

    def run(self, step: Step) -> Verdict:
        """Type the commands of a step and look at what came."""
        began = time.monotonic()
        outputs = tuple(self.shell.run(command.here, step.patience_s) for command in step.commands)
        verdict = judge(step, outputs, time.monotonic() - began)
        self._note(verdict)
        return verdict

    @property
    def done(self) -> dict[int, bool]:
        """Give the steps that were run in this world, and whether they held."""
        path = self.shell.folder / _DONE
        return {int(key): bool(value) for key, value in json.loads(path.read_text()).items()} if path.exists() else {}

    def _note(self, verdict: Verdict) -> None:
        """Keep what came of a step."""
        told = {**self.done, verdict.step.number: verdict.holds}
        (self.shell.folder / _DONE).write_text(json.dumps(told), encoding="utf-8")


def judge(step: Step, outputs: tuple[Output, ...], seconds: float) -> Verdict:
    """Look at what came, check by check."""
    kept = tuple(check.holds(outputs) for check in step.checks)
    return Verdict(step=step, outputs=outputs, kept=kept, seconds=seconds)
