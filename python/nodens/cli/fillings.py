"""The options that fill in a template, shared by check and show, and the stand-ins for those not given."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from nodens import config, lifecycle
from nodens.cli import goflags, node_cache
from nodens.cli.wishes import read_wishes

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from nodens.plan import Facts

_SIGN: Final = "__PILLAR__"
# option -> the pillars it fills in, and what stands in for it: the addresses of the official manifest's examples.
_STAND_INS: Final = {
    "--localip": (("__PILLAR__LOCAL__DNS__", "__PILLAR__DNS__SERVER__"), "169.254.20.10,10.96.0.10"),
    "--cluster-dns": (("__PILLAR__CLUSTER__DNS__",), "10.96.0.11"),
    "--domain": (("__PILLAR__DNS__DOMAIN__",), "cluster.local"),
}


def add_fillings(parser: ArgumentParser) -> None:
    """Add them to a command."""
    group = parser.add_argument_group(
        "templates",
        "A file with `__PILLAR__` words is filled in as node-cache would; for what is not given there are stand-ins.",
    )
    group.add_argument("--localip", type=_ips, metavar="IP,IP", help="the addresses of node-cache's -localip")
    group.add_argument("--cluster-dns", type=_ip, metavar="IP", help="the address of the Service of -upstreamsvc")
    group.add_argument("--kubednscm", metavar="DIR", help="the folder of the kube-dns ConfigMap (default: none)")
    group.add_argument("--domain", metavar="NAME", help="the cluster domain")


def read_source(asked: Namespace, file: str) -> tuple[lifecycle.BuiltInSource | lifecycle.FilledSource, Facts]:
    """Give where the Corefile comes from, and what is wished of its plan; a template is filled in on the way.

    Which stand-ins were used is said on stderr.
    """
    name, content = ("stdin", sys.stdin.read()) if file == "-" else (file, lifecycle.read_file(file))
    if _SIGN not in content and not asked.kubednscm:
        return lifecycle.BuiltInSource(file=name, content=content), read_wishes(asked)
    given = {"--localip": asked.localip, "--cluster-dns": asked.cluster_dns, "--domain": asked.domain}
    needed = [option for option, (pillars, _) in _STAND_INS.items() if any(pillar in content for pillar in pillars)]
    stand_ins = [option for option in needed if not given[option]]
    if stand_ins:
        said = " ".join(f"{option} {_STAND_INS[option][1]}" for option in stand_ins)
        sys.stderr.write(f"{name}: a template, filled in with stand-ins: {said} (give these options the true values)\n")
    values = {option: given[option] or _STAND_INS[option][1] for option in given}
    local_dns = tuple(values["--localip"].split(","))
    source = lifecycle.FilledSource(
        file=name,
        content=content,
        pillars=config.Pillars(
            local_dns=local_dns,
            cluster_dns=(values["--cluster-dns"],),
            port=asked.port,
            # The manifest's sed puts the second address there; node-cache has both in the first pillar.
            dns_server=local_dns[1:] if "__PILLAR__DNS__SERVER__" in content else (),
            dns_domain=values["--domain"],
        ),
        kube_dns=asked.kubednscm or "",
    )
    return source, _wishes(asked, values["--localip"], "--localip" in stand_ins)


def _wishes(asked: Namespace, localip: str, is_stand_in: bool) -> Facts:  # noqa: FBT001 - a claim, not a mode
    """Wish what node-cache's own flags would."""
    values, _ = goflags.parse(node_cache.FLAGS, ["-localip", localip])
    theirs, ours = node_cache.wishes(values), read_wishes(asked)
    where = "stand-in for --localip" if is_stand_in else "option --localip"
    of_localip = {field: where for field, source in theirs.source_of.items() if source == "flag -localip"}
    return replace(
        theirs,
        default_port=ours.default_port,
        workers_wish=ours.workers_wish,
        memory_budget_wish_bytes=ours.memory_budget_wish_bytes,
        source_of={**ours.source_of, **of_localip},
    )


def _ip(text: str) -> str:
    """Read an IP address for argparse."""
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise ArgumentTypeError(f"`{text}` is not an IP address") from error


def _ips(text: str) -> str:
    """Read addresses with commas between them."""
    return ",".join(_ip(part) for part in text.split(","))
