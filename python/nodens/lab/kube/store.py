"""Where the objects of a world are kept: one file, written in one piece, changed by one command at a time."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nodens.lab.kube.objects import Body, Key, KubeObject

_FILE: Final = "objects.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An object with the moment it was made."""

    found: KubeObject
    made_s: float


class Store:
    """The objects of one world."""

    def __init__(self, folder: Path) -> None:
        """Remember the folder; it is made when something is kept."""
        self.folder = folder

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let no other command change anything meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def held_if_free(self) -> Iterator[bool]:
        """Do the same if no other command is changing things; tells whether that is so."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def all(self, kind: str = "", namespace: str = "") -> list[Kept]:
        """List what is kept, of a kind, of a namespace, in the order it was made."""
        path = self.folder / _FILE
        if not path.exists():
            return []
        rows = [_read(row) for row in json.loads(path.read_text(encoding="utf-8"))]
        return [row for row in rows if kind in {"", row.found.key.kind} and namespace in {"", row.found.key.namespace}]

    def find(self, key: Key) -> Kept | None:
        """Find one."""
        return next((row for row in self.all(key.kind, key.namespace) if row.found.key == key), None)

    def put(self, found: KubeObject, made_s: float) -> None:
        """Keep an object, or another body of it."""
        rows = self.all()
        place = next((number for number, row in enumerate(rows) if row.found.key == found.key), len(rows))
        made_s = rows[place].made_s if place < len(rows) else made_s
        rows[place : place + 1] = [Kept(found=found, made_s=made_s)]
        self._write(rows)

    def remove(self, key: Key) -> None:
        """Forget an object."""
        self._write([row for row in self.all() if row.found.key != key])

    def _write(self, rows: list[Kept]) -> None:
        """Write all."""
        swap = self.folder / f"{_FILE}.new"
        swap.write_text(json.dumps([{"body": row.found.body, "made_s": row.made_s} for row in rows]), encoding="utf-8")
        swap.replace(self.folder / _FILE)


def _read(row: Body) -> Kept:
    """Read one as it was written."""
    body, metadata = row["body"], row["body"]["metadata"]
    key = Key(kind=body["kind"], namespace=metadata["namespace"], name=metadata["name"])
    return Kept(found=KubeObject(key=key, body=body), made_s=row["made_s"])
