"""Where stories are played: a rehearsal of each by itself, and one real program that serves all of them at once.

Each story has a port of its own in the one program, and upstreams of its own: stories do not disturb each other, and
those that wait in real time wait side by side.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nodens import config, corefile, engine, plan
from nodens.errors import ConfigError, LabError
from nodens.lab.player import play
from nodens.lab.rehearsed import RehearsedStage
from nodens.lab.script import PATIENCE_S
from nodens.lab.staged import ProgramStage
from nodens.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nodens.lab.story import Story

COMMAND = (sys.executable, "-m", "nodens", "run", "--quiet", "--corefile", "{corefile}", "--pidfile", "{pidfile}")
FIRST_PORT = 5300  # below the ephemeral ports, on a loopback address of our own
UPSTREAMS_PER_STORY = 8
START_LIMIT_S = 20.0
LOOK_S = 0.02  # how often a starting program is looked at


def compiled(text: str, file: str) -> plan.Plan:
    """Compile a Corefile for a node without surprises: one worker, no resolv.conf."""
    problems = Problems()
    facts = plan.Facts(cores=1, workers_wish=1)
    tree = corefile.parse(text, file, problems)
    expanded = corefile.expand(tree, {}, corefile.read_from_disk, problems) if tree else None
    meant = config.read(expanded, problems) if expanded else None
    decided = plan.compile_plan(meant, facts, problems) if meant else None
    if decided is None or problems.are_fatal:
        raise ConfigError(problems)
    return decided


def rehearse(story: Story) -> None:
    """Play a story on core's Resolver and a hand-turned clock; LabError names the line that did not come true."""
    addresses = {name: f"192.0.2.{index}:53" for index, name in enumerate(story.upstreams, 1)}
    decided = compiled(story.corefile(addresses, 53, "127.0.0.1"), story.name)
    names = {address: name for name, address in addresses.items()}
    play(story, RehearsedStage(engine.Rehearsal(decided.engine), names))


class Theatre:
    """The real program, serving every story of a season on its own port."""

    def __init__(self, stories: Sequence[Story], command: Sequence[str] = COMMAND) -> None:
        """Give each story a port and its upstreams addresses. Nothing runs before `open`."""
        self._stories = list(stories)
        self._command = command
        self._host = own_host()
        self._ports = {story.name: FIRST_PORT + index for index, story in enumerate(self._stories)}
        self._upstreams = {
            story.name: {
                name: (self._host, FIRST_PORT + 1000 + index * UPSTREAMS_PER_STORY + place)
                for place, name in enumerate(story.upstreams)
            }
            for index, story in enumerate(self._stories)
        }

    def corefile(self) -> str:
        """Give the one Corefile of all stories."""
        return "\n".join(
            f"# {story.name}\n"
            + story.corefile(
                {name: f"{host}:{port}" for name, (host, port) in self._upstreams[story.name].items()},
                self._ports[story.name],
                self._host,
            )
            for story in self._stories
        )

    @contextmanager
    def open(self) -> Iterator[Theatre]:
        """Run the program until the end of the block."""
        with program_serving(self.corefile(), self._command):
            yield self

    def play(self, story: Story) -> None:
        """Play a story against the program; LabError names the line that did not come true."""
        with ProgramStage((self._host, self._ports[story.name]), self._upstreams[story.name]) as stage:
            play(story, stage, slack_s=2)


def own_host() -> str:
    """Give a loopback address that this process has for itself."""
    seat = os.getpid()
    return f"127.{64 + seat % 128}.{seat // 128 % 250 + 1}.1"


@contextmanager
def program_serving(text: str, command: Sequence[str] = COMMAND) -> Iterator[subprocess.Popen[bytes]]:
    """Run the program with a Corefile until the end of the block; it says that it answers by writing its pid file."""
    with tempfile.TemporaryDirectory(prefix="nodens-theatre-") as place:
        paths = {"corefile": f"{place}/Corefile", "pidfile": f"{place}/pid"}
        Path(paths["corefile"]).write_text(text, encoding="utf-8")
        words = [word.format(**paths) for word in command]
        with Path(place, "log").open("w+b") as log, subprocess.Popen(words, stdout=log, stderr=log) as program:
            try:
                _wait_until_it_answers(program, Path(paths["pidfile"]), Path(place, "log"))
                yield program
            finally:
                program.terminate()
                try:
                    program.wait(PATIENCE_S)
                except subprocess.TimeoutExpired:
                    program.kill()


def _wait_until_it_answers(program: subprocess.Popen[bytes], pidfile: Path, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while not pidfile.exists():
        if program.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(errors="replace")[-4000:]
            raise LabError(f"the program does not answer; it said:\n{said}")
        try:
            program.wait(LOOK_S)
        except subprocess.TimeoutExpired:
            continue
