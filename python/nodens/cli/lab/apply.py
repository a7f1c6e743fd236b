"""nodens lab apply -f FILE: make objects be as a manifest says, as `kubectl apply` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodens.cli.lab.kubectl import cluster_of, parser_of, read_file, tell

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(words: Sequence[str]) -> int:
    """Make them so in turn; a changed ConfigMap reaches the pods at once, a changed DaemonSet is rolled out."""
    parser = parser_of(
        "apply",
        "Make objects be as a manifest says, as `kubectl apply -f` does. A changed ConfigMap is written into the "
        "pods at once (a "
        "kubelet takes up to a minute); a changed DaemonSet is rolled out, in the way of its updateStrategy.",
        has_file=True,
    )
    asked = parser.parse_args(words)
    cluster = cluster_of(asked)
    with cluster.store.held():
        for found in read_file(asked):
            print(f"{found.key} {cluster.apply(found, tell)}", flush=True)
    return 0
