"""Where a world stands: the prefix of its namespaces, its one folder under /run. A second name makes a second world."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from nodens.errors import LabError

NAMESPACES = Path("/run/netns")
NAME_LIMIT = 40  # a namespace is a file's name; a person reads it
VARIABLE = "NODENS_LAB"  # of the environment: which world is meant, where nobody says it
_NAME = re.compile(r"[a-z][a-z0-9-]*")


def default_name() -> str:
    """Give the world that is meant where none is named."""
    return os.environ.get(VARIABLE, "lab")


@dataclass(frozen=True, slots=True)
class Place:
    """A world's name, and what follows from it. Everything of it is under `folder`, or a namespace with `prefix`."""

    name: str = "lab"

    def __post_init__(self) -> None:
        """Refuse a name that would not be a file's."""
        if not _NAME.fullmatch(self.name) or len(self.name) > NAME_LIMIT:
            raise LabError(f"lab: `{self.name}` is not a world's name; expected small letters, digits and `-`")

    @property
    def prefix(self) -> str:
        """Give what every namespace of it begins with; the dot keeps worlds apart, since no name has one."""
        return f"nodens-{self.name}."

    @property
    def folder(self) -> Path:
        """Give its folder: a small file system of its own, so that one unmount takes all of it away."""
        return Path("/run") / f"nodens-{self.name}"

    @property
    def state_file(self) -> Path:
        """Give where it is written down what stands."""
        return self.folder / "state.json"

    @property
    def scratch(self) -> Path:
        """Give a folder for whoever teaches here: goes away with the world."""
        return self.folder / "scratch"

    def line(self, words: str) -> str:
        """Spell a command for this world, as it has to be typed where we are."""
        return f"nodens lab {words}" + ("" if self.name == default_name() else f" --world {self.name}")

    def namespace(self, name: str) -> str:
        """Give the name of a node's or pod's network namespace."""
        return self.prefix + name

    def room_folder(self, name: str) -> Path:
        """Give the folder of one room: its /etc, its /run, its handles."""
        return self.folder / "rooms" / name

    def namespaces(self) -> list[str]:
        """List the network namespaces that are there now, with our prefix."""
        try:
            return sorted(path.name for path in NAMESPACES.iterdir() if path.name.startswith(self.prefix))
        except FileNotFoundError:
            return []
