"""Cluster DNS of a world as a program: answers as CoreDNS' kubernetes plugin, forwards the rest as its `forward` does.

    python -m nodens.lab.world.serve_cluster --listen 192.168.154.194 --services services.json --forward 172.18.0.1

SIGHUP: the Services have changed.
"""

from __future__ import annotations

import argparse
import json
import signal
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from nodens.errors import LabError
from nodens.lab.client import ask
from nodens.lab.cluster import zones
from nodens.lab.faults import answering
from nodens.lab.message import compose, parse
from nodens.lab.script import Act, Heard, Script, Send
from nodens.lab.upstream import Upstream

PORT = 53
FORWARD_PATIENCE_S = 2.0
FORWARDERS = 8  # names that are asked for outside at the same time
CLUSTER_ZONES = ("cluster.local.", "in-addr.arpa.", "ip6.arpa.")


class ClusterDns:
    """What is answered here, and who is asked for the rest; the Services may change while it runs."""

    def __init__(self, services: Path, forward: str) -> None:
        """Read the Services; nobody is asked yet."""
        self._services = services
        self._forward = forward
        self._pool = ThreadPoolExecutor(FORWARDERS)
        self._answer: Script = answering()
        self.read()

    def read(self) -> None:
        """Read the Services again."""
        told = json.loads(self._services.read_text(encoding="utf-8"))
        self._answer = answering(*zones({name: (addresses, ports) for name, (addresses, ports) in told.items()}))

    def script(self, doors: dict[str, Upstream], door: str) -> Script:
        """Give what one listening address does with what it hears."""

        def act(heard: Heard) -> Iterable[Act]:
            try:
                name = heard.message.question.name.lower()
            except LabError:
                return self._answer(heard)
            if not self._forward or f".{name.rstrip('.')}.".endswith(tuple(f".{zone}" for zone in CLUSTER_ZONES)):
                return self._answer(heard)
            self._pool.submit(lambda: doors[door].act(heard, Send(wire=self._asked(heard))))
            return ()

        return act

    def _asked(self, heard: Heard) -> bytes:
        """Ask outside; SERVFAIL if nobody says anything."""
        query = parse(heard.wire)
        try:
            told = ask((self._forward, PORT), query, heard.transport, FORWARD_PATIENCE_S)
            return compose(replace(told, id=query.id))
        except (LabError, OSError):
            return compose(query.response("SERVFAIL"))


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m nodens.lab.world.serve_cluster", description="a cluster DNS")
    parser.add_argument("--listen", required=True, metavar="IP,IP", help="addresses of the pod")
    parser.add_argument("--services", required=True, type=Path, metavar="FILE", help="JSON: the cluster's Services")
    parser.add_argument("--forward", default="", metavar="IP", help="resolver for all other names")
    asked = parser.parse_args()
    signals = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    cluster = ClusterDns(asked.services, asked.forward)
    with ExitStack() as life:
        doors: dict[str, Upstream] = {}
        for address in asked.listen.split(","):
            door = Upstream(cluster.script(doors, address), host=address, port=PORT, remembers=0)
            doors[address] = life.enter_context(door)
        print("ready", flush=True)  # noqa: T201 - whoever started it waits for this
        while signal.sigwait(signals) == signal.SIGHUP:
            cluster.read()
            print("services read", flush=True)  # noqa: T201 - the same


if __name__ == "__main__":
    main()
