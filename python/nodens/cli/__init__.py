"""Words -> calls. Arguments, exit codes, printing of problems. No decisions."""

from __future__ import annotations

import sys
import traceback
from importlib import import_module
from typing import TYPE_CHECKING, Final

from nodens import __version__
from nodens.errors import NodensError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# command -> what it does. Each is a file of this room with `main(words) -> exit code`, loaded when it is asked for.
COMMANDS: Final = {
    "run": "serve DNS from a Corefile (`--demo`: from a built-in one, with a small cluster behind it)",
    "check": "read a Corefile, print every problem with its place, touch nothing",
    "release": "remove every trace of nodens, and of a dead node-cache, from this node",
    "show": "print the Corefile or the plan that would be used, and where each value comes from; directives; metrics",
    "manifests": "write the Kubernetes objects for a cluster: iptables, nftables, ipvs or Cilium",
    "started": "whether the agent of a pid file answers: a container's startup probe",
    "doctor": "look at this node: rung, ports, left-overs, kube-proxy, upstreams, answers; change nothing",
    "entries": "what a running agent's cache holds, by name: types, denials, lifetimes (root or the agent's user)",
    "lab": "the lesson: a small world of three nodes in network namespaces, to try it all in (root)",
}

_HELP: Final = f"""nodens {__version__}: a DNS cache for every node of a Kubernetes cluster.

usage: nodens COMMAND [options]        nodens COMMAND --help tells more

{{commands}}

try it:      nodens run --demo
             dig @127.0.0.1 -p 1053 kubernetes.default.svc.cluster.local
your own:    nodens check Corefile && nodens run --corefile Corefile --port 1053
on a node:   the command `node-cache` has the flags of NodeLocal DNSCache; `node-cache -help` lists them

signals:     SIGHUP or SIGUSR1 reload (changed files are noticed by themselves), SIGTERM drains and stops
exit codes:  0 well; 1 a bug of ours; 2 the Corefile or the command line; 3 the node; 4 the engine; 5 the lab
"""


def help_text() -> str:
    """The text of `nodens --help`."""
    return _HELP.format(commands="\n".join(f"  {name:9} {what}" for name, what in COMMANDS.items()))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command `nodens`; gives the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in {"-h", "--help", "help"}:
        print(help_text(), end="")
        return 0 if words else 2
    if words[0] in {"-V", "--version", "version"}:
        print(f"nodens {__version__}")
        return 0
    command, *rest = words
    if command not in COMMANDS:
        sys.stderr.write(f"nodens: `{command}` is not a command; expected one of: {', '.join(COMMANDS)}\n")
        return 2
    return call(lambda: int(import_module(f"nodens.cli.{command}").main(rest)))


def call(command: Callable[[], int]) -> int:
    """Run a command; errors become their words and their exit codes."""
    try:
        return command()
    except NodensError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except BrokenPipeError:
        return 0  # whoever read us has seen enough, as `head` has
    except Exception:  # noqa: BLE001 - the last resort: a bug is shown whole, with where to take it
        traceback.print_exc()
        sys.stderr.write("this is a bug of nodens: please report it with the lines above, as CONTRIBUTING.md says\n")
        return 1
