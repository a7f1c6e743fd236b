"""nodens lab kill NODE: kill the node cache of a node with SIGKILL, as the kernel does when memory runs out."""

from __future__ import annotations

import os
import signal
from threading import Event
from typing import TYPE_CHECKING, Final

from nodens.cli.lab.kubectl import cluster_of, parser_of
from nodens.cli.readers import read_seconds
from nodens.errors import LabError
from nodens.lab.kube import Pod

if TYPE_CHECKING:
    from collections.abc import Sequence

_HOLD_LIMIT_S: Final = 60.0


def main(words: Sequence[str]) -> int:
    """Kill it; with `--hold` keep it from being started again for so long."""
    parser = parser_of("kill", "Kill the node cache of a node with SIGKILL, as the kernel does when memory runs out.")
    parser.add_argument("node", help="such as k01-worker")
    parser.add_argument(
        "--hold",
        type=read_seconds,
        default=0.0,
        metavar="S",
        help="hold the kubelet back for so long, as its back-off does after some crashes; default: it starts again "
        "at once",
    )
    asked = parser.parse_args(words)
    if not 0 <= asked.hold <= _HOLD_LIMIT_S:
        raise LabError(f"kill: --hold {asked.hold:g}; expected at most {_HOLD_LIMIT_S:g} s")
    cluster = cluster_of(asked)
    pods = [pod for pod in cluster.pods() if pod.node == asked.node and pod.status.pid]
    if not pods:
        hint = f"hint: {cluster.world.place.line('create -f nodelocaldns.yaml')}"
        raise LabError(f"kill: no node cache runs on {asked.node}\n{hint}")
    for pod in pods:
        _kill(pod, asked.hold)
    return 0


def _kill(pod: Pod, hold_s: float) -> None:
    """Kill one pod's container; its keeper sleeps meanwhile."""
    pid = pod.status.pid
    pod.signal_keeper(signal.SIGSTOP)
    try:
        os.kill(pid, signal.SIGKILL)
        print(
            f"killed {pod.name} (pid {pid}) on {pod.node}" + (f"; held back for {hold_s:g} s" if hold_s else ""),
            flush=True,
        )
        Event().wait(hold_s)
    finally:
        pod.signal_keeper(signal.SIGCONT)
