"""nodens entries: what a running agent's caches hold, by name. Changes nothing."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from nodens import observe

if TYPE_CHECKING:
    from collections.abc import Sequence

_LIMIT_DEFAULT = 1_000


def main(words: Sequence[str]) -> int:
    """Print a table, or JSON; exit code 0 even if nothing is held."""
    asked = _parser().parse_args(words)
    door = observe.choose(observe.doors(), asked.agent)
    looked = observe.look(door, is_named=bool(asked.agent))
    wanted = observe.EntryFilter(zone=asked.zone, qtype=asked.type, glob=asked.match, kind=asked.kind)
    found = observe.sort_entries(filter(wanted.wants, looked.entries), asked.sort)
    shown = found[: asked.limit]
    if asked.json:
        print(json.dumps([entry.plain() for entry in shown], indent=1))
    elif shown:
        print(observe.render_entries(shown), end="")
    sys.stderr.write(_tell_count(len(shown), len(found), looked))
    return 0


def _tell_count(shown: int, found: int, looked: observe.Look) -> str:
    """Say how much of it was seen."""
    held = f"{len(looked.entries)}{'' if looked.is_all else ' or more (a look ends there)'}"
    told = f"{shown} of {found} entries that fit, {held} in all; nodens {looked.version}, pid {looked.pid}\n"
    return told + ("hint: --limit shows more, --zone, --type, --match and --kind want less\n" if shown < found else "")


def _count(text: str) -> int:
    """Read a limit."""
    if not text.isdecimal() or not 1 <= int(text) <= observe.ENTRIES_LIMIT:
        raise argparse.ArgumentTypeError(f"`{text}` is not a limit; expected 1 to {observe.ENTRIES_LIMIT}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    """Say what may be asked."""
    parser = argparse.ArgumentParser(
        prog="nodens entries",
        description="Show what the caches of a running agent hold. Reads, changes nothing; queries do not wait for it.",
        epilog="columns: RESULT is `answer`, NXDOMAIN, NODATA (the name is there, the type is not), or a failure that "
        "is kept for some seconds; LEFT is what remains of the lifetime OF, `stale 5s` is over since 5 s and kept for "
        "`serve_stale`; KEY is `do` or `cd` where the client asked so, for such answers are kept apart. "
        "Who may look: root, and the agent's own user; names tell who asks what. "
        "examples: nodens entries --zone cluster.local --sort ttl; nodens entries --kind denial --match '*.svc.*'; "
        "kubectl exec -n kube-system PODNAME -- nodens entries --json. "
        "exit codes: 0 looked, 2 the command line, 3 no agent, or it is not shown to you",
    )
    parser.add_argument("--zone", default="", metavar="ZONE", help="only names in this zone, such as cluster.local")
    parser.add_argument("--type", default="", metavar="TYPE", help="only this type, such as A or TYPE65280")
    parser.add_argument("--match", default="", metavar="GLOB", help="only names that fit, such as '*.default.svc.*'")
    parser.add_argument("--kind", type=observe.EntryKind, choices=[*observe.EntryKind], help="only this kind")
    parser.add_argument(
        "--sort",
        type=observe.EntryOrder,
        choices=[*observe.EntryOrder],
        default=observe.EntryOrder.NAME,
        help="ttl: what ends first; bytes: the largest first (default: %(default)s)",
    )
    parser.add_argument(
        "--limit", type=_count, default=_LIMIT_DEFAULT, metavar="N", help="at most so many (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print a list of objects")
    parser.add_argument(
        "--agent", default="", metavar="AGENT", help="which agent, if there are more: its address or number"
    )
    return parser
