"""The resolver outside the cluster, as a program: some names of the internet, told without the internet.

Addresses are those kept for documentation (RFC 5737, RFC 3849). Every other name does not exist.
"""

from __future__ import annotations

import argparse
import signal
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace

from nodens.lab.faults import answering
from nodens.lab.message import compose, parse
from nodens.lab.script import Act, Heard, Send
from nodens.lab.upstream import Upstream
from nodens.lab.zone import Zone

PORT = 53
NAMES = """\
. 86400 SOA a.root.example. nobody.example. 2026112200 1800 900 604800 86400
example.com 300 A 192.0.2.10
example.com 300 AAAA 2001:db8::10
www.example.com 300 CNAME example.com.
example.org 300 A 192.0.2.20
example.org 300 AAAA 2001:db8::20
www.example.org 300 CNAME example.org.
example.net 60 A 198.51.100.30
api.example.net 10 A 198.51.100.31
api.example.net 10 A 198.51.100.32
mail.example.net 300 A 198.51.100.33
example.net 300 MX 10 mail.example.net.
registry.example.net 300 A 203.0.113.40
"""


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m nodens.lab.world.serve_outside", description="a resolver")
    parser.add_argument("--listen", required=True, metavar="IP,IP", help="addresses to listen on")
    signals = {signal.SIGINT, signal.SIGTERM}
    asked = parser.parse_args()
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    zone = answering(Zone(".", NAMES))

    def resolve(heard: Heard) -> Iterable[Act]:
        """Answer as a resolver does: recursion is there, authority is not."""
        for act in zone(heard):
            if isinstance(act, Send):
                answer = parse(act.wire)
                yield Send(wire=compose(replace(answer, flags=(answer.flags - {"aa"}) | {"ra"})))

    with ExitStack() as life:
        for address in asked.listen.split(","):
            life.enter_context(Upstream(resolve, host=address, port=PORT, remembers=0))
        print("ready", flush=True)  # noqa: T201 - whoever started it waits for this
        signal.sigwait(signals)


if __name__ == "__main__":
    main()
