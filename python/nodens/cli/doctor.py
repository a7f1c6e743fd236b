"""nodens doctor: read the signs of this node, say what is well and what is not. Changes nothing."""

from __future__ import annotations

import argparse
import json
import sys
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from nodens import doctor, network, plan
from nodens.cli.live_line import CLEAR_LINE

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHOWN_LIMIT: Final = 3


def main(words: Sequence[str]) -> int:
    """Print the report; exit code 1 if anything is bad."""
    parser = argparse.ArgumentParser(
        prog="nodens doctor",
        description="Look at this node as an agent does, and say what is well and what is not. Changes nothing; takes "
        "less than five seconds. Run it on the node, or in the agent's pod; as root it sees more.",
        epilog="verdicts: ok; warn: works, could be better; bad: DNS is broken or will be; skipped: not seen. "
        "exit codes: 0 nothing is bad, 1 something is, 2 the command line",
    )
    parser.add_argument(
        "--corefile", default="", metavar="FILE", help="Corefile or template (default: node-cache's, if there is one)"
    )
    parser.add_argument(
        "--localip", type=_ips, default=(), metavar="IP,IP", help="as node-cache's -localip (default: from the link)"
    )
    parser.add_argument(
        "--cluster-dns", type=_ips, default=(), metavar="IP", help="cluster DNS (default: Service kube-dns-upstream)"
    )
    parser.add_argument("--domain", default="cluster.local", help="the cluster domain (default: %(default)s)")
    parser.add_argument(
        "--name", action="append", default=[], metavar="NAME", help="a name to compare; may be given again"
    )
    parser.add_argument("--interfacename", default="nodelocaldns", metavar="NAME", help="as node-cache's")
    parser.add_argument("--port", type=int, metavar="N", help="the agent's port (default: 53)")
    parser.add_argument("--resolv-conf", default="/etc/resolv.conf", metavar="FILE", help="default: %(default)s")
    parser.add_argument("--steering", choices=[*plan.SteeringWish], default="auto", help="as node-cache's")
    parser.add_argument("--interfacekind", choices=[*plan.LinkWish], default="auto", help="as node-cache's")
    parser.add_argument("--no-steering", action="store_true", help="this agent steers nothing (Cilium, pod network)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    asked = parser.parse_args(words)
    progress = _Progress()
    lines = doctor.examine(_read(asked), progress.tell)
    progress.end()
    print(json.dumps(doctor.as_plain(lines), indent=2) if asked.json else doctor.render(lines).rstrip())
    return 0 if doctor.is_well(lines) else 1


def _read(asked: argparse.Namespace) -> doctor.Asked:
    """Read the command line."""
    return doctor.Asked(
        corefile=asked.corefile,
        localip=asked.localip,
        cluster_dns=asked.cluster_dns,
        domain=asked.domain.strip("."),
        names=tuple(asked.name),
        link_name=asked.interfacename,
        port=asked.port,
        resolv_conf=asked.resolv_conf,
        wishes=network.Wishes(
            steering=plan.SteeringWish(asked.steering),
            link=plan.LinkWish(asked.interfacekind),
            sets_link=not asked.no_steering,
            sets_rules=not asked.no_steering,
        ),
    )


def _ips(text: str) -> tuple[str, ...]:
    """Read addresses with commas between them."""
    try:
        return tuple(str(ip_address(part)) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"`{text}` is not an IP address, nor some with commas between them") from error


class _Progress:
    """Says on stderr what is waited for: in place on a terminal, once elsewhere."""

    def __init__(self) -> None:
        """Have said nothing yet."""
        self._is_terminal = sys.stderr.isatty()
        self._has_spoken = False

    def tell(self, waiting: Sequence[str]) -> None:
        """Say it."""
        if self._has_spoken and not self._is_terminal:
            return
        more = f" and {len(waiting) - _SHOWN_LIMIT} more" if len(waiting) > _SHOWN_LIMIT else ""
        text = f"waiting for {', '.join(waiting[:_SHOWN_LIMIT])}{more}"
        sys.stderr.write(f"{CLEAR_LINE}{text}" if self._is_terminal else f"{text}\n")
        sys.stderr.flush()
        self._has_spoken = True

    def end(self) -> None:
        """Leave the terminal clean."""
        if self._is_terminal and self._has_spoken:
            sys.stderr.write(CLEAR_LINE)
