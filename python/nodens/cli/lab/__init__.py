"""nodens lab: the lesson's world on this machine, in network namespaces. Each sub-command is a file of this folder."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

from nodens.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Sequence

# sub-command -> what it does. Each is a file here with `main(words) -> exit code`, loaded when it is asked for.
COMMANDS: Final = {
    "up": "raise the world: three nodes, cluster DNS, kube-proxy's rules, the pod dns-test; some seconds",
    "status": "tell what stands, and how it does",
    "shell": "open a shell on a node or in a pod, or run a command there",
    "steps": "list the lesson: 27 steps, what each shows, what has been done",
    "step": "run steps of the lesson, and say whether they hold",
    "verify": "run the whole lesson; raises a world if none stands",
    "figures": "measure before and after: latency, DNAT, conntrack, loss; table and picture",
    "diff": "the node before and after, side by side",
    "create": "make the objects of a manifest: `create -f nodelocaldns.yaml` deploys the node cache",
    "apply": "make objects be as a manifest says",
    "edit": "change one object in $EDITOR",
    "delete": "take objects away",
    "get": "print nodes, pods, svc, ds, cm in kubectl's tables",
    "rollout": "wait for a DaemonSet's pods, or replace them",
    "logs": "print what pods have said",
    "kill": "kill the node cache of a node",
    "load": "ask at an even rate from a pod, while something happens",
    "down": "take everything away again, whatever state it is in",
}

_HELP: Final = """\
nodens lab: NodeLocal DNSCache, hands on. A small Kubernetes-like world in network namespaces on this machine: no
Docker, no internet; root. Nothing of this machine is changed but namespaces called nodens-lab.* and one folder,
/run/nodens-lab; `nodens lab down` leaves nothing.

usage: sudo nodens lab COMMAND [options]        nodens lab COMMAND --help tells more

{commands}

try it:      sudo nodens lab up
             sudo nodens lab shell dns-test -- nslookup kubernetes.default
             sudo nodens lab shell k01-worker -- iptables -t nat -S KUBE-SERVICES
             sudo nodens lab down

exit codes:  0 well; 2 the command line; 5 the lab: what is missing or went wrong is said
"""


def help_text() -> str:
    """The text of `nodens lab --help`."""
    return _HELP.format(commands="\n".join(f"  {name:8} {what}" for name, what in COMMANDS.items()))


def main(words: Sequence[str]) -> int:
    """Run a sub-command."""
    if not words or words[0] in {"-h", "--help", "help"}:
        print(help_text(), end="")
        return 0 if words else 2
    command, *rest = words
    if command not in COMMANDS:
        sys.stderr.write(f"nodens lab: `{command}` is not a command; expected one of: {', '.join(COMMANDS)}\n")
        return 2
    try:
        module = import_module(f"nodens.cli.lab.{command}")
    except ModuleNotFoundError as missing:
        if missing.name != "yaml":
            raise
        # The agent's image has none: the lab reads manifests, the agent does not.
        raise LabError(f"nodens lab {command}: PyYAML is not installed here; it comes with `nodens[lab]`") from missing
    return int(module.main(rest))
