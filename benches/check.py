"""check.py SERVER FILE TARGET: asks names of a query file from inside the pod, and checks the answers.

`alive` asks one name and takes anything that comes back.
"""

from __future__ import annotations

import random
import re
import sys
from pathlib import Path

from world import address_of

from nodens.errors import LabError
from nodens.lab.client import Client, ask
from nodens.lab.message import compose, query

SAMPLE = 200


def wrong(name: str, target: str, server: tuple[str, int]) -> str:
    """Say what is wrong with the answer to a name; empty if nothing is."""
    reply = ask(server, query(name), timeout_s=3)
    held = [record.text for record in reply.answers]
    if target == "denials":
        return "" if (reply.rcode, held) == ("NXDOMAIN", []) else f"{name}: {reply.rcode} {held}"
    found = re.match(r"svc-(\d+)\.", name)
    expected = [address_of(int(found[1]))] if found else ["10.96.9.9"]
    return "" if (reply.rcode, held) == ("NOERROR", expected) else f"{name}: {reply.rcode} {held}, not {expected}"


def main() -> int:
    """Check a sample; 1 if anything is wrong."""
    host, file, target = sys.argv[1:4]
    server = (host, 53)
    names = [line.split()[0] for line in Path(file).read_text().splitlines()[:100_000]]
    if target == "alive":
        with Client(server) as client:
            client.send_wire(compose(query(names[0], id=1)))
            client.next_reply(0.5)
        return 0
    chosen = random.Random(3).sample(names, min(SAMPLE, len(names)))
    faults = [fault for name in chosen if (fault := wrong(name, target, server))]
    print("\n".join(faults[:10]))
    return bool(faults)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        print(error)
        sys.exit(1)
