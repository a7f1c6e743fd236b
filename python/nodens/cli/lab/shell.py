"""nodens lab shell: become a shell, or a command, on a node or in a pod of the world."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Final

from nodens.cli.lab.where import add_world, standing
from nodens.lab.world import require, shell_command

if TYPE_CHECKING:
    from collections.abc import Sequence

_DEFAULT: Final = "dns-test"


def main(words: Sequence[str]) -> int:
    """Become it; the exit code is the command's own."""
    mine, _, command = _split(words)
    parser = argparse.ArgumentParser(
        prog="nodens lab shell",
        usage="nodens lab shell [NAME] [-- COMMAND ...]",
        description="Open a shell on a node (k01-worker) or in a pod (dns-test, the default), with its network, its "
        "/etc/resolv.conf, its /run and its host name. After `--`, run a command there instead.",
    )
    parser.add_argument("name", nargs="?", default=_DEFAULT, help="a node or a pod; `nodens lab status` lists them")
    add_world(parser)
    asked = parser.parse_args(mine)
    require()
    program = shell_command(standing(asked.world).room(asked.name), command)
    os.execvpe(program.words[0], list(program.words), program.env)  # noqa: S606 - what this command is for; nothing of it is a text for a shell


def _split(words: Sequence[str]) -> tuple[list[str], str, list[str]]:
    """Part our own words from the command's."""
    if "--" not in words:
        return list(words), "", []
    at = list(words).index("--")
    return list(words[:at]), "--", list(words[at + 1 :])
