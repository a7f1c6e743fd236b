"""A look at an agent's caches from another process: finds the doors of this network namespace, asks one of them."""

from __future__ import annotations

import json
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nodens.errors import NodensError
from nodens.observe.entries import Entry, read_entry
from nodens.observe.lookout import ENTRIES_LIMIT, LOOK_S, NAME_BEGINS, peer_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_SOCKETS: Final = Path("/proc/net/unix")
_WAIT_S: Final = 2 * LOOK_S + 1  # whoever looks just now has his time, then we have ours
_LINE_LIMIT: Final = 1 << 20  # a page of the longest names is a third of it


class LookError(NodensError):
    """There is no agent to look at, or it does not show its caches to us."""

    exit_code = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where an agent can be looked at: the address it answers at first, and a number of its own."""

    address: str
    number: str

    @property
    def name(self) -> str:
        """The abstract socket's name."""
        return f"\0{NAME_BEGINS}{self.address}/{self.number}"

    def __str__(self) -> str:
        """Name it as `--agent` takes it."""
        return f"{self.address}/{self.number}"

    def is_meant(self, agent: str) -> bool:
        """Whether a person's word for an agent fits: address, address and port, number, or all of it."""
        return agent in {str(self), self.address, self.number, self.address.rpartition(":")[0].strip("[]")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was told: by whom, which entries, and whether those are all."""

    version: str
    pid: int
    addresses: tuple[str, ...]
    entries: tuple[Entry, ...]
    is_all: bool


def doors(listed: str | None = None) -> list[Door]:
    """List the doors in this network namespace; `listed` is for tests: the text of /proc/net/unix."""
    text = _SOCKETS.read_text(encoding="utf-8", errors="replace") if listed is None else listed
    begin = f"@{NAME_BEGINS}"
    names = {word for line in text.splitlines() if (word := line.rpartition(" ")[2]).startswith(begin)}
    found = (name.removeprefix(begin).rpartition("/") for name in sorted(names) if name.isprintable())
    return [Door(address=address, number=number) for address, _, number in found]


def choose(found: list[Door], agent: str = "") -> Door:
    """Choose the one that is meant. Raises LookError."""
    if not found:
        raise LookError(
            "nodens entries: no agent in this network namespace shows its caches; expected one that runs\n"
            "hint: on the node or in the agent's pod: kubectl exec -n kube-system PODNAME -- nodens entries"
        )
    meant = [door for door in found if not agent or door.is_meant(agent)]
    listed = ", ".join(f"`{door}`" for door in found)
    if not meant:
        raise LookError(f"nodens entries: `{agent}` is no agent here; expected one of: {listed}")
    if len(meant) > 1:
        raise LookError(
            f"nodens entries: {len(meant)} agents are here: {listed}; expected `--agent` with one of them\n"
            "hint: two with one address are a hand-over under way, and soon one"
        )
    return meant[0]


def look(door: Door, *, is_named: bool = False) -> Look:
    """Ask an agent. `is_named`: root asked for exactly this one, whoever runs it. Raises LookError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(_WAIT_S)
        try:
            line.connect(door.name)
            _refuse_strangers(door, line, is_named=is_named)
            return _hear(door, line)
        except TimeoutError as error:
            raise LookError(f"{door}: no word in {_WAIT_S:g} s; expected entries\nhint: somebody else looks") from error
        except BlockingIOError as error:
            raise LookError(f"{door}: busy with other looks; expected one at a time") from error
        except OSError as error:
            raise LookError(f"{door}: cannot look: {(error.strerror or str(error)).lower()}") from error
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise LookError(f"{door}: it says what nobody understands; expected an agent of this version") from error


def _refuse_strangers(door: Door, line: socket.socket, *, is_named: bool) -> None:
    """Believe our own user and root; root believes whom it names, too. Raises LookError."""
    pid, user = peer_of(line)
    own = os.geteuid()
    if user in {own, 0} or (own == 0 and is_named):
        return
    hint = "--agent with its number believes it" if own == 0 else "run it as root, or as the agent's user"
    raise LookError(f"{door}: pid {pid} of user {user} listens; expected root's or user {own}'s\nhint: {hint}")


def _hear(door: Door, line: socket.socket) -> Look:
    """Read all that is told. Raises LookError, OSError, or whatever nonsense leads to."""
    lines = _lines(line)
    head = next(lines, {"refuses": "it hung up"})
    if refusal := head.get("refuses"):
        raise LookError(f"{door}: not shown: {str(refusal)[:200]!r}"[:300])
    entries: list[Entry] = []
    for words in lines:
        if "told" in words:
            return Look(
                version=str(head["nodens"]),
                pid=int(head["pid"]),
                addresses=tuple(map(str, head["addresses"])),
                entries=tuple(entries),
                is_all=bool(words["is_all"]),
            )
        entries += (read_entry(words["block"], words["zones"], row) for row in words["rows"])
        if len(entries) > 2 * ENTRIES_LIMIT:
            break
    raise LookError(f"{door}: the look was cut short after {len(entries)} entries; the agent ends, or we were slow")


def _lines(line: socket.socket) -> Iterator[dict[str, Any]]:
    """Give what is said, line by line, until it hangs up. Raises OSError or ValueError."""
    until_s = time.monotonic() + _WAIT_S
    with line.makefile("rb") as said:
        while raw := said.readline(_LINE_LIMIT):
            words = json.loads(raw)
            if not isinstance(words, dict) or time.monotonic() > until_s:
                raise ValueError(words)
            yield words
