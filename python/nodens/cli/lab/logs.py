"""nodens lab logs: what pods of a DaemonSet have said, as `kubectl logs` does."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nodens.cli.lab.kubectl import cluster_of, parser_of
from nodens.cli.readers import read_whole
from nodens.lab.kube import matches

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(words: Sequence[str]) -> int:
    """Print it; exit code 1 if no pod is meant."""
    parser = parser_of("logs", "Print what pods have said, as `kubectl logs` does.")
    parser.add_argument("pod", nargs="?", default="", help="its name")
    parser.add_argument("-l", "--selector", default="", metavar="LABEL=VALUE", help="all pods with a label")
    parser.add_argument("--node", default="", help="those on a node (kubectl has no such thing)")
    parser.add_argument(
        "--tail", type=read_whole, default=-1, metavar="N", help="the last lines of each; -1, the default: all"
    )
    asked = parser.parse_args(words)
    found = [
        pod
        for pod in cluster_of(asked).pods()
        if pod.namespace == asked.namespace
        and asked.pod in {"", pod.name}
        and asked.node in {"", pod.node}
        and matches(pod.labels, asked.selector)
    ]
    if not found:
        sys.stderr.write(f"No resources found in {asked.namespace} namespace.\n")
        return 1
    for pod in found:
        lines = pod.log.splitlines(keepends=True)
        sys.stdout.write("".join(lines[max(0, len(lines) - asked.tail) :] if asked.tail >= 0 else lines))
    return 0
