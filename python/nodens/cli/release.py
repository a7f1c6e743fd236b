"""nodens release: remove every trace of nodens, and of a dead node-cache, from this node."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from nodens import network
from nodens.errors import NetworkError

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(words: Sequence[str]) -> int:
    """Look, remove, tell; exit code 0 if nothing is left, 3 if something is."""
    parser = argparse.ArgumentParser(
        prog="nodens release",
        description="Remove link, addresses, rules and sets that nodens, or a dead node-cache, left on this node. "
        "What a living agent holds stays. May be run at any time, and twice.",
        epilog="exit codes: 0 nothing is left, 3 something is: a living agent's, or what the node refused to remove",
    )
    parser.add_argument(
        "--interface", default="nodelocaldns", metavar="NAME", help="name of the link (default %(default)s)"
    )
    parser.add_argument("--port", type=int, default=53, metavar="N", help="port of the agent (default %(default)s)")
    parser.add_argument("--force", action="store_true", help="remove what looks like a living agent's, too")
    asked = parser.parse_args(words)
    if network.lacking([network.Capability.NET_ADMIN]):
        raise NetworkError("release the node", "process", "it has no capability CAP_NET_ADMIN")
    told = network.release(asked.interface, port=asked.port, is_forced=asked.force)
    for trace in told.found:
        print(trace)
    for trouble in told.troubles:
        sys.stderr.write(f"{trouble}\n")
    if not told.found and not told.troubles:
        print("nothing of nodens or node-cache was found")
    return 0 if told.is_clean else NetworkError.exit_code
