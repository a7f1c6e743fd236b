"""nodens lab create -f FILE: make the objects of a manifest, as `kubectl create` does."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nodens.cli.lab.kubectl import cluster_of, parser_of, read_file
from nodens.errors import LabError
from nodens.lab import lesson

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(words: Sequence[str]) -> int:
    """Make them in turn; exit code 1 if one could not be made."""
    parser = parser_of(
        "create",
        "Make the objects of a manifest, as `kubectl create -f` does. The state of the pod's node is kept for "
        "`nodens lab diff`; "
        "that takes a second.",
        has_file=True,
    )
    asked = parser.parse_args(words)
    cluster, code = cluster_of(asked), 0
    with cluster.store.held():
        objects = read_file(asked)
        before = lesson.Teacher(cluster.world.place).before_file
        if not before.exists():
            lesson.snapshot.write(lesson.snapshot.take(cluster.world), before)
        for found in objects:
            try:
                cluster.create(found)
            except LabError as error:
                sys.stderr.write(f'Error from server: error when creating "{asked.filename}": {error}\n')
                code = 1
            else:
                print(f"{found.key} created", flush=True)
    return code
