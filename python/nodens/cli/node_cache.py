"""The `node-cache` command: its flags, its spelling, its defaults, its messages and exit codes.

size: a third of it is the table of flags, a row each.
"""

from __future__ import annotations

import os
import re
import sys
import time
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nodens import __version__, config, lifecycle
from nodens.cli.goflags import Flag, FlagError, HelpAskedError, Kind, Value, parse, render_flags
from nodens.cli.log_form import open_log
from nodens.errors import NodensError
from nodens.observe import LogForm
from nodens.plan import Facts, HttpEndpoint, LinkWish, NodeWishes, SteeringWish, split_addresses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from ipaddress import IPv4Address, IPv6Address

KUBE_DNS_FOLDER: Final = "/etc/kube-dns"  # looked at when -kubednscm is not given
_SERVICE: Final = "kube-dns"  # whose address is borrowed
_PORT_LIMIT: Final = 65_535

FLAGS: Final = (
    Flag(
        name="localip",
        kind=Kind.TEXT,
        default="",
        help="comma-separated string of ip addresses to bind dnscache to, of either family",
    ),
    Flag(
        name="setupinterface",
        kind=Kind.SWITCH,
        default=True,
        help="indicates whether network interface should be setup",
    ),
    Flag(name="interfacename", kind=Kind.TEXT, default="nodelocaldns", help="name of the interface to be created"),
    Flag(
        name="syncinterval",
        kind=Kind.DURATION,
        default=60_000,
        shown="60ns",
        help="interval to check for iptables rules; `60ns` and a bare `60` are 60 s, `30s` and `1m` what they say",
    ),
    Flag(
        name="metrics-listen-address",
        kind=Kind.TEXT,
        default="0.0.0.0:9353",
        help="address to serve metrics on",
    ),
    Flag(
        name="setupiptables",
        kind=Kind.SWITCH,
        default=True,
        help="indicates whether iptables rules should be setup",
    ),
    Flag(
        name="basecorefile",
        kind=Kind.TEXT,
        default="/etc/coredns/Corefile.base",
        help="Path to the template Corefile for node-cache",
    ),
    Flag(
        name="corefile",
        kind=Kind.TEXT,
        default="/etc/Corefile",
        help="Path to the Corefile to be used by node-cache, unless -conf names another",
    ),
    Flag(
        name="kubednscm",
        kind=Kind.TEXT,
        default="",
        help="Path where the kube-dns configmap will be mounted",
    ),
    Flag(
        name="upstreamsvc",
        kind=Kind.TEXT,
        default="kube-dns",
        help="Service name whose cluster IP is upstream for node-cache",
    ),
    Flag(
        name="health-port",
        kind=Kind.TEXT,
        default="8080",
        help="port used by health plugin; it is left untracked, not configured",
    ),
    Flag(
        name="skipteardown",
        kind=Kind.SWITCH,
        default=False,
        help="leave interface and iptables rules in place on exit",
    ),
    Flag(
        name="reloadwithsignal",
        kind=Kind.SWITCH,
        default=False,
        help="accepted; a written Corefile is always taken up at once",
    ),
    Flag(name="conf", kind=Kind.TEXT, default="", help="Corefile to write and load; `stdin` to read it from a pipe"),
    Flag(name="dns.port", kind=Kind.TEXT, default="53", help="Default port"),
    Flag(name="p", kind=Kind.TEXT, default="53", help="Default port", same_as="dns.port"),
    Flag(name="pidfile", kind=Kind.TEXT, default="", help="Path to write pid file"),
    Flag(name="plugins", kind=Kind.SWITCH, default=False, help="List installed plugins"),
    Flag(name="version", kind=Kind.SWITCH, default=False, help="Show version"),
    Flag(name="quiet", kind=Kind.SWITCH, default=False, help="Quiet mode (no initialization output)"),
    Flag(
        name="memory-limit",
        kind=Kind.SIZE,
        default=0,
        help="bytes for cache and queries in flight, such as 64Mi; without it, from the cgroup's limit",
    ),
    Flag(
        name="steering",
        kind=Kind.TEXT,
        default="auto",
        help="language of the rules: auto (the safest that this node has), iptables or nft",
    ),
    Flag(
        name="interfacekind",
        kind=Kind.TEXT,
        default="auto",
        help="kind of the interface: auto, dummy, or tun, which goes with the process",
    ),
    Flag(
        name="takeover",
        kind=Kind.SWITCH,
        default=False,
        help="take over from the process that serves these addresses, without a gap; without it a second one refuses",
    ),
    Flag(
        name="log-format",
        kind=Kind.TEXT,
        default="text",
        help="how lines are written: text, or json (an object a line: ts, level, message)",
    ),
    Flag(name="workers", kind=Kind.WHOLE, default=0, help="threads that answer; without it, one for each core"),
)


def usage(program: str) -> str:
    """The text of -help."""
    return (
        f"Usage of {program}:\nRuns nodens v{__version__} as a nodelocal cache listening on the specified ip:port\n\n"
        + render_flags(FLAGS)
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit code."""
    born_s = time.monotonic()
    program = Path(sys.argv[0]).name if argv is None else "node-cache"
    try:
        values, rest = parse(FLAGS, sys.argv[1:] if argv is None else argv)
    except HelpAskedError:
        return _end(usage(program), 0)
    except FlagError as error:
        return _end(f"{error}\n{usage(program)}", 2)
    if rest:
        return _end(f"{_stamp()} extra command line arguments: [{' '.join(rest)}]\n", 1)
    if values["version"] or values["plugins"]:
        names = sorted(name for name, row in config.DIRECTIVES.items() if row.reader)
        print("\n".join(lifecycle.version_lines() if values["version"] else [*names, ""]))
        return 0
    if refusal := validate(values):
        return _end(f"{_stamp()} [FATAL] {refusal}\n", 1)
    return _serve(values, born_s)


def _end(text: str, code: int) -> int:
    """Say why this ends before it began."""
    sys.stderr.write(text)
    return code


def validate(values: Mapping[str, Value]) -> str | None:
    """Check what Go checked after parsing; the text of the first that is wrong, in the original's words."""
    parts = str(values["localip"]).split(",")
    for part in parts:
        if read_ip(part) is None:
            return f'Error parsing flags - invalid localip specified - "{part}", Exiting'
    for flag, words in (("dns.port", "port"), ("health-port", "healthcheck port")):
        if read_port(str(values[flag])) is None:
            return f'Error parsing flags - invalid {words} specified - "{values[flag]}", Exiting'
    if read_endpoint(str(values["metrics-listen-address"])) is None:
        return (
            f'Error parsing flags - invalid metrics-listen-address specified - "{values["metrics-listen-address"]}", '
            "Exiting"
        )
    for flag, kind in (("steering", SteeringWish), ("interfacekind", LinkWish), ("log-format", LogForm)):
        if values[flag] not in set(kind):
            return f'Error parsing flags - invalid {flag} specified - "{values[flag]}", Exiting'
    return None


def read_ip(text: str) -> IPv4Address | IPv6Address | None:
    """Read an IP, without zone; nothing round it."""
    try:
        return ip_address(text) if "%" not in text else None
    except ValueError:
        return None


def read_port(text: str) -> int | None:
    """Read a port; 0 lets the kernel choose."""
    return int(text) if re.fullmatch(r"\d{1,5}", text) and int(text) <= _PORT_LIMIT else None


def read_endpoint(text: str) -> HttpEndpoint | None:
    """Read `host:port`, `:port` or `[v6]:port`."""
    host, colon, number = text.rpartition(":")
    port = read_port(number)
    if not colon or port is None:
        return None
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        return None
    return HttpEndpoint(host="" if host == "0.0.0.0" else host, port=port)  # noqa: S104 - compared, not bound


def wishes(values: Mapping[str, Value]) -> Facts:
    """What the flags ask of the plan."""
    given = [str(ip) for part in str(values["localip"]).split(",") if (ip := read_ip(part))]
    services = [lifecycle.service_address(name, os.environ) for name in (_SERVICE, str(values["upstreamsvc"]))]
    own, borrowed = split_addresses(given, [address for address in services if address])
    sources = {
        "own_addresses": "flag -localip",
        "borrowed_addresses": "flag -localip",
        "default_port": "flag -dns.port",
        "link_name": "flag -interfacename",
        "link": "flag -interfacekind",
        "steering": "flag -steering",
        "sets_link": "flag -setupinterface",
        "sets_rules": "flag -setupiptables",
        "is_left": "flag -skipteardown",
        "health_port": "flag -health-port",
        "sync_interval_ms": "flag -syncinterval",
    }
    if values["workers"]:
        sources["workers_wish"] = "flag -workers"
    if values["memory-limit"]:
        sources["memory_budget_wish_bytes"] = "flag -memory-limit"
    return Facts(
        own_addresses=own,
        borrowed_addresses=borrowed,
        default_port=read_port(str(values["dns.port"])) or 0,
        workers_wish=int(values["workers"]) or None,
        memory_budget_wish_bytes=int(values["memory-limit"]) or None,
        wishes_freebind=bool(values["setupinterface"]),
        node=NodeWishes(
            link_name=str(values["interfacename"]),
            link=LinkWish(str(values["interfacekind"])),
            steering=SteeringWish(str(values["steering"])),
            sets_link=bool(values["setupinterface"]),
            sets_rules=bool(values["setupiptables"]),
            is_left=bool(values["skipteardown"]),
            health_port=read_port(str(values["health-port"])) or 0,
            sync_interval_ms=int(values["syncinterval"]),
        ),
        source_of=sources,
    )


def source(values: Mapping[str, Value]) -> lifecycle.Source:
    """Where the Corefile comes from."""
    conf = str(values["conf"]) or str(values["corefile"])
    if conf == "stdin":
        return lifecycle.BuiltInSource(file="stdin", content=sys.stdin.read())
    return lifecycle.TemplateSource(
        lifecycle.TemplateFiles(
            template=str(values["basecorefile"]),
            written=conf,
            kube_dns=str(values["kubednscm"]) or KUBE_DNS_FOLDER,
        ),
        service=str(values["upstreamsvc"]),
        local_dns=[str(read_ip(part)) for part in str(values["localip"]).split(",")],
        port=read_port(str(values["dns.port"])) or 0,
    )


def _serve(values: Mapping[str, Value], born_s: float) -> int:
    """Live."""
    log = open_log(LogForm(str(values["log-format"])))
    log.info(f"Starting node-cache image: nodens-{__version__}")
    log.info(f"Using Corefile {values['conf'] or values['corefile']}")
    log.info(f"Using Pidfile {values['pidfile']}")
    if not values["kubednscm"] and not Path(KUBE_DNS_FOLDER).is_dir():
        log.info("Skipping kube-dns configmap sync as no directory was specified")
    try:
        return lifecycle.live(
            lifecycle.Asked(
                source=source(values),
                wishes=wishes(values),
                own_metrics=read_endpoint(str(values["metrics-listen-address"])),
                pidfile=str(values["pidfile"]),
                takes_over=bool(values["takeover"]),
                is_quiet=bool(values["quiet"]),
                born_s=born_s,
            ),
            log,
        )
    except NodensError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _stamp() -> str:
    """The time as Go's log writes it."""
    return time.strftime("%Y/%m/%d %H:%M:%S")


if __name__ == "__main__":
    sys.exit(main())
