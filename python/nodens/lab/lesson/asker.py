"""The asker as a program, to be run in a pod: an order comes in as JSON, what became of each query goes out.

python -m nodens.lab.lesson.asker      # reads an order's line, says `ready`, asks; a second line ends it sooner
"""

from __future__ import annotations

import json
import os
import select
import sys

from nodens.lab.lesson.asking import Asker, AskOrder


def main() -> int:
    """Ask."""
    order = AskOrder(**json.loads(sys.stdin.readline()))
    print("ready", flush=True)  # noqa: T201 - who started us waits for it

    heard = select.poll()
    heard.register(0, select.POLLIN)

    def is_enough() -> bool:
        if not heard.poll(0):
            return False
        if os.read(0, 64):
            return True
        heard.unregister(0)  # our input has ended: nobody will say it any more
        return False

    told = [[each.sent_s, each.took_s, each.rcode] for each in Asker(order).run(is_enough)]
    print(json.dumps(told))  # noqa: T201 - the result
    return 0


if __name__ == "__main__":
    sys.exit(main())
