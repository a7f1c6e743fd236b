"""A step on paper: for a terminal, for Markdown, for programs. Pure."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from textwrap import indent
from typing import Any, Final

from nodens.lab.lesson.model import Chapter, Output, Step, Verdict

_WIDTH: Final = 83  # of the text beside numbers and titles
_MARKS: Final = {True: "yes", False: "NO "}


def render_list(chapters: Sequence[Chapter], done: Mapping[int, bool]) -> str:
    """List all steps: number, whether done, title, what it needs."""
    lines = []
    for chapter in chapters:
        lines.append(chapter.title)
        for step in chapter.steps:
            mark = {True: "holds", False: "NOT  ", None: "     "}[done.get(step.number)]
            first, *rest = textwrap.wrap(first_sentence(step.shows), _WIDTH, break_on_hyphens=False)
            lines.append(f"  {step.number:2}  {mark}  {step.title:23} {first}")
            lines += [f"{'':36}{line}" for line in (*rest, f"needs: {step.needs}")]
    return "\n".join(lines) + "\n"


def first_sentence(text: str) -> str:
    """Give the first sentence of a text that may go on over lines; a point within a name or number ends none."""
    whole = " ".join(text.split())
    found = re.match(r".*?\.(?= [A-Z`]|$)", whole)
    return found[0] if found else whole


def render_head(step: Step) -> str:
    """Say what comes: number, title, and in two lines what it shows."""
    return f"step {step.number}: {step.title}\n{indent(step.shows, '  ')}\n"


def render_verdict(verdict: Verdict) -> str:
    """Show what was typed and what came; then what was expected, and whether it is so."""
    step = verdict.step
    parts = [_typed(step, place, output) for place, output in enumerate(verdict.outputs)]
    lines = [f"  {_MARKS[kept]}  {check.says}" for check, kept in zip(step.checks, verdict.kept, strict=True)]
    parts.append("expected:\n" + "\n".join(lines) + "\n")
    parts += [f"NO: command {place + 1} ended with {output.code}\n" for place, output in _failed(verdict)]
    if step.note:
        parts.append(indent(step.note, "  | ") + "\n")
    parts.append(render_end(verdict))
    return "\n".join(parts)


def render_end(verdict: Verdict) -> str:
    """Say whether the step holds, and if not, what was expected beside what was seen."""
    step = verdict.step
    if verdict.holds:
        return f"step {step.number} holds ({verdict.seconds:.1f} s)\n"
    missed = [check.says for check, kept in zip(step.checks, verdict.kept, strict=True) if not kept]
    wanted = "\n".join(f"  {says}" for says in missed) or "  every command ends well"
    seen = "".join(output.text for output in verdict.outputs) or "(nothing)\n"
    head = f"step {step.number} DOES NOT HOLD ({verdict.seconds:.1f} s)"
    return f"{head}\nexpected, and not so:\n{wanted}\nseen:\n{indent(seen, '  ')}"


def _typed(step: Step, place: int, output: Output) -> str:
    """Show a command as it was typed, the Kind lesson's line if that is another one, and what it printed."""
    command = step.commands[place]
    lines = indent(command.here, "  ")[2:]
    kind = indent(command.kind, "        ")[8:]
    other = f"  (Kind: {kind})\n" if kind and kind != command.here else ""
    return f"$ {lines}\n{other}{output.text}"


def _failed(verdict: Verdict) -> list[tuple[int, Output]]:
    """Find the commands that did not end well."""
    return [(place, output) for place, output in enumerate(verdict.outputs) if output.code]


def render_table(verdicts: Sequence[Verdict]) -> str:
    """Lay out all verdicts."""
    lines = ["step                               verdict   seconds"]
    lines += [
        f"{each.step.number:4}  {each.step.title:28} {'holds' if each.holds else 'DOES NOT':8} {each.seconds:8.1f}"
        for each in verdicts
    ]
    kept = sum(each.holds for each in verdicts)
    lines.append(f"{kept} of {len(verdicts)} hold; {sum(each.seconds for each in verdicts):.0f} s")
    return "\n".join(lines) + "\n"


def as_plain(verdict: Verdict) -> dict[str, Any]:
    """Give a verdict to programs."""
    step = verdict.step
    return {
        "step": step.number,
        "title": step.title,
        "holds": verdict.holds,
        "seconds": round(verdict.seconds, 2),
        "commands": [
            {"run": command.here, "kind": command.kind, "output": output.text, "code": output.code}
            for command, output in zip(step.commands, verdict.outputs, strict=True)
        ],
        "expected": [
            {"says": check.says, "holds": kept} for check, kept in zip(step.checks, verdict.kept, strict=True)
        ],
    }


def render_markdown(chapters: Sequence[Chapter], outputs: Mapping[int, Sequence[str]]) -> str:
    """Write the lesson as Markdown, with the outputs of a recorded run."""
    return "\n".join(_chapter(chapter, outputs) for chapter in chapters)


def _chapter(chapter: Chapter, outputs: Mapping[int, Sequence[str]]) -> str:
    """Write one chapter."""
    return f"## {chapter.title}\n\n" + "\n".join(_section(step, outputs.get(step.number, ())) for step in chapter.steps)


def _section(step: Step, outputs: Sequence[str]) -> str:
    """Write one step."""
    parts = [f"### {step.number}. {step.title[0].upper()}{step.title[1:]}\n", f"{step.shows}\n"]
    for place, command in enumerate(step.commands):
        if command.kind and command.kind != command.here:
            parts.append(f"In Kind:\n\n```sh\n{command.kind}\n```\n")
        parts.append(f"In `nodens lab`:\n\n```sh\n{command.here}\n```\n")
        if place < len(outputs) and outputs[place]:
            parts.append(f"```\n{outputs[place].rstrip()}\n```\n")
    parts.append("What should be seen:\n\n" + "\n".join(f"- {check.says}" for check in step.checks) + "\n")
    if step.note:
        parts.append(f"```\n{step.note}\n```\n" if "\n" in step.note else f"{step.note}\n")
    return "\n".join(parts)
