"""nodens lab edit KIND/NAME: change one object in an editor, as `kubectl edit` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodens.cli.lab.kubectl import cluster_of, parser_of, read_key, tell
from nodens.lab.kube import edit

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(words: Sequence[str]) -> int:
    """Open it, and apply what was made of it."""
    parser = parser_of("edit", "Change one object in $EDITOR (vi), as `kubectl edit` does.")
    parser.add_argument("object", nargs="+", help="such as configmap/node-local-dns")
    asked = parser.parse_args(words)
    cluster, key = cluster_of(asked), read_key(asked.object, asked.namespace)
    changed = edit(cluster, key)
    if changed is None:
        print("Edit cancelled, no changes made.")
        return 0
    with cluster.store.held():
        cluster.apply(changed, tell)
    print(f"{key} edited")
    return 0
