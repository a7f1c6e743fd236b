"""What the commands of a page find."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

Words = tuple[str, ...]


@dataclass(kw_only=True)
class Scene:
    """A page's folder, and the files that earlier blocks made."""

    folder: Path
    made: set[str] = field(default_factory=set)

    def has(self, name: str) -> bool:
        """Whether a command would find this file."""
        return name in {"-", "/dev/null"} or "$" in name or name in self.made or (self.folder / name).exists()
