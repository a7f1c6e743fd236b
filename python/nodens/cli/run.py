"""nodens run: serve DNS from a Corefile; with --demo from a built-in one, with a small cluster behind it."""

from __future__ import annotations

import argparse
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from nodens import lifecycle
from nodens.cli.live_line import CLEAR_LINE, live_line
from nodens.cli.log_form import open_log
from nodens.cli.wishes import add_wishes, read_wishes
from nodens.errors import NodensError
from nodens.observe import LogForm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from nodens.engine import Running

DEMO_PORT: Final = 1053

_DEMO_COREFILE: Final = """\
cluster.local:{port} in-addr.arpa:{port} ip6.arpa:{port} {{
    bind 127.0.0.1
    errors
    cache {{
        success 9984 30
        denial 9984 5
    }}
    forward . {cluster} {{
        force_tcp
    }}
    prometheus 127.0.0.1:9253
}}
.:{port} {{
    bind 127.0.0.1
    errors
    cache 30
    forward . /etc/resolv.conf
    prometheus 127.0.0.1:9253
}}
"""

_TO_ASK: Final = """\
nodens serves DNS on 127.0.0.1:{port}, with a small cluster DNS behind it on {cluster} (TCP). Ask it:

    dig @127.0.0.1 -p {port} kubernetes.default.svc.cluster.local
    dig @127.0.0.1 -p {port} _dns-tcp._tcp.kube-dns.kube-system.svc.cluster.local SRV
    dig @127.0.0.1 -p {port} -x 10.96.0.10
    dig @127.0.0.1 -p {port} example.com            (through this machine's own resolvers)
    curl http://127.0.0.1:9253/metrics

Ctrl-C stops it.
"""


def main(words: Sequence[str]) -> int:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="nodens run", description="Serve DNS from a Corefile.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--corefile", default="Corefile", metavar="FILE", help="what to serve (default: ./Corefile)")
    what.add_argument(
        "--demo", action="store_true", help=f"serve a built-in Corefile on 127.0.0.1, port {DEMO_PORT} unless --port"
    )
    parser.add_argument("--pidfile", default="", metavar="FILE", help="write our pid here once we answer")
    parser.add_argument("--quiet", action="store_true", help="no start-up lines, no live line")
    parser.add_argument(
        "--log-format",
        choices=[*LogForm],
        default=LogForm.TEXT,
        help="text, as CoreDNS writes; or json: an object a line with ts (Unix seconds), level, message",
    )
    add_wishes(parser)
    asked = parser.parse_args(words)
    is_live = asked.demo and not asked.quiet
    log = open_log(LogForm(asked.log_format), before=CLEAR_LINE if is_live and sys.stdout.isatty() else "")
    with ExitStack() as around:
        source: lifecycle.Source = lifecycle.FileSource(path=asked.corefile)
        onlook: Callable[[Running], AbstractContextManager[None]] | None = None
        if asked.demo:
            port = asked.port if asked.port != 53 else DEMO_PORT  # noqa: PLR2004 - the option's default
            cluster = around.enter_context(_cluster_dns())
            source = lifecycle.BuiltInSource(content=_DEMO_COREFILE.format(port=port, cluster=cluster))
            if is_live:
                onlook = partial(_demo_line, _TO_ASK.format(port=port, cluster=cluster))
        return lifecycle.live(
            lifecycle.Asked(
                source=source,
                wishes=read_wishes(asked),
                pidfile=asked.pidfile,
                is_quiet=asked.quiet or asked.demo,
            ),
            log,
            onlook,
        )


@contextmanager
def _demo_line(what_to_ask: str, running: Running) -> Iterator[None]:
    """Once we answer, say what to ask; then the live line."""
    print(what_to_ask, flush=True)
    with live_line(running):
        yield


@contextmanager
def _cluster_dns() -> Iterator[str]:
    """Run the lab's small cluster DNS beside us, as a program; gives its address."""
    command = [sys.executable, "-m", "nodens.lab.cluster_dns", "--listen", "127.0.0.1:0"]
    # Its own session: Ctrl-C is for us to hear; we stop it after we have drained.
    program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        line = program.stdout.readline() if program.stdout else ""
        if " on " not in line:
            raise NodensError(f"{' '.join(command)}: did not start; it said: `{line.strip()}`")
        yield line.strip().rpartition(" on ")[2]
    finally:
        program.terminate()
        program.wait()
        if program.stdout:
            program.stdout.close()
