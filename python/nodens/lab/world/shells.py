"""The shell of a room: a prompt that says where one is, and a first line that says what can be tried."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nodens.lab.world.errands import SEARCH_PATH, environment
from nodens.lab.world.room import Room

RC_FILE = "/run/lab-shell"
_RC = r"""
PS1='\[\e[1m\]{name}\[\e[0m\]:\w# '
HISTFILE=
cd /
echo 'this is {name}; leave with Ctrl-D. try: {hints}'
"""
_NODE_HINTS = "iptables -t nat -S KUBE-SERVICES; ip route; conntrack -L"
_POD_HINTS = "cat /etc/resolv.conf; nslookup kubernetes.default; dig +short example.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellCommand:
    """A command line that becomes a shell or a command inside, and its environment."""

    words: tuple[str, ...]
    env: dict[str, str]


def shell_command(room: Room, command: Sequence[str] = ()) -> ShellCommand:
    """Give what to become: the command, or a shell that a person sits at."""
    ours = str(Path(sys.executable).parent)  # where `nodens` is installed; a node has it at hand, as a pod of it would
    env = environment({"HOME": "/root", "LAB_ROOM": room.name})
    env["PATH"] = f"{env['PATH']}:{ours}"
    if command:
        return ShellCommand(words=tuple(room.command(*command)), env=env)
    if not shutil.which("bash", path=SEARCH_PATH):
        return ShellCommand(words=tuple(room.command("sh")), env={**env, "PS1": f"{room.name}:# "})
    hints = _POD_HINTS if room.name == "dns-test" else _NODE_HINTS
    room.path(RC_FILE).write_text(_RC.format(name=room.name, hints=hints), encoding="utf-8")
    return ShellCommand(words=tuple(room.command("bash", "--noprofile", "--rcfile", RC_FILE, "-i")), env=env)
