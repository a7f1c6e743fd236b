"""nodens lab rollout status|restart daemonset/NAME, as `kubectl rollout` does."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nodens.cli.lab.kubectl import cluster_of, parser_of, read_key, tell
from nodens.cli.readers import one_of
from nodens.lab.kube import READY_S, Cluster, Key, plural
from nodens.lab.world import wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(words: Sequence[str]) -> int:
    """Wait for a roll-out, or begin one."""
    parser = parser_of("rollout", "Wait until a DaemonSet's pods are ready (status), or replace them all (restart).")
    parser.add_argument("what", metavar="{status,restart}", type=one_of("known here", "status", "restart"))
    parser.add_argument("object", nargs="+", help="such as daemonset/node-local-dns")
    parser.add_argument("--node", default="", help="restart: its pod alone (kubectl has no such thing)")
    asked = parser.parse_args(words)
    cluster, key = cluster_of(asked), read_key(asked.object, asked.namespace)
    if asked.what == "status":
        return _wait(cluster, key)
    with cluster.store.held():
        cluster.restart(key, tell, asked.node)
    print(f"{key} restarted")
    return 0


def _wait(cluster: Cluster, key: Key) -> int:
    """Say how many are ready whenever that changes, until all are."""
    found = cluster.find(key)
    if found is None:
        sys.stderr.write(f'Error from server (NotFound): {plural(key)} "{key.name}" not found\n')
        return 1
    cluster.resume(tell)
    wanted, said = len(cluster.nodes_of(found)), -1

    def is_done() -> bool:
        nonlocal said
        ready = sum(pod.is_ready for pod in cluster.up_to_date(found))
        if ready not in {said, wanted}:
            progress = f"{ready} of {wanted} updated pods are available..."
            print(f'Waiting for daemon set "{key.name}" rollout to finish: {progress}', flush=True)
        said = ready
        return ready == wanted

    wait_until(is_done, READY_S, f"{key} to be ready")
    print(f'daemon set "{key.name}" successfully rolled out')
    return 0
