"""The lesson: 27 steps with what they show, the commands that show it, and whether it holds; figures before and after.

Steps are values (`chapters`), run by one shell as a learner would type them. Nothing is pretended: what is shown is
what a command printed.
"""

from nodens.lab.lesson import asking, figures, figures_text, loads, picture, recording, report, snapshot, turns
from nodens.lab.lesson.chapters import chapters, step, steps
from nodens.lab.lesson.model import Chapter, Output, Scene, State, Step, Verdict
from nodens.lab.lesson.shell import Shell
from nodens.lab.lesson.teach import Teacher, judge

__all__ = [
    "Chapter",
    "Output",
    "Scene",
    "Shell",
    "State",
    "Step",
    "Teacher",
    "Verdict",
    "asking",
    "chapters",
    "figures",
    "figures_text",
    "judge",
    "loads",
    "picture",
    "recording",
    "report",
    "snapshot",
    "step",
    "steps",
    "turns",
]
