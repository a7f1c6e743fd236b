"""nodens manifests: write the Kubernetes objects for a cluster."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from nodens import manifests, plan
from nodens.errors import ConfigError
from nodens.manifests import DEFAULTS, LOCAL_PILLAR, TEMPLATE, Mode, Options

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_Word = TypeVar("_Word", bound=StrEnum)

_DUAL_LOCAL: Final = (*DEFAULTS.local_ips, "fd00:20::10")
_EXAMPLES: Final = """\
examples:
  nodens manifests --dns-ip 10.96.0.10 | kubectl apply -f -
  nodens manifests --mode ipvs --output-dir deploy/       a file for each object
  nodens manifests --mode cilium                          pod network and a CiliumLocalRedirectPolicy
  nodens manifests --dual-stack --dns-ip 10.96.0.10,fd00:96::a
  nodens manifests --corefile Corefile.base               your own zones, checked
  nodens manifests --template > nodelocaldns.yaml         with __PILLAR__ words, for sed

modes:
  iptables, nftables   kube-proxy writes rules: nodens holds its own address and that of the cluster DNS Service;
                       pods change nothing
  ipvs                 nodens holds its own address alone; the kubelet's clusterDNS must name it
  cilium               no kube-proxy: Cilium redirects to a pod that holds nothing on the node

memory, in one formula (the defaults ask for {request} MiB and may take {limit} MiB):
{formula}
exit codes: 0 written, 2 options that do not go together
"""


def main(words: Sequence[str]) -> int:
    """Write the objects; exit code 2 if the options do not go together."""
    parser = _parser()
    asked = parser.parse_args(words)
    options = _options(asked)
    refused = list(manifests.refusals(options))
    if asked.corefile and not refused:
        taken = _take_in(asked.corefile, options)
        if isinstance(taken, manifests.Refusal):
            refused.append(taken)
        elif taken is None:
            return 2
        else:
            options = taken
    if refused:
        for refusal in refused:
            sys.stderr.write(f"{refusal}\n")
        return 2
    if asked.dns_ip is None and not asked.template and options.dns_ips and options.is_on_host:
        sys.stderr.write(
            f"--dns-ip was not given: {', '.join(options.dns_ips)}, kubeadm's usual one\n"
            "hint: kubectl -n kube-system get svc kube-dns -o jsonpath={.spec.clusterIP} shows yours\n"
        )
    if asked.output_dir is not None:
        return _write(asked.output_dir, manifests.spell_each(options))
    if asked.json:
        print(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests.objects(options))}, indent=2))
    else:
        print(manifests.spell(options, shlex.join(["nodens", "manifests", *words])), end="")
    return 0


def _take_in(file: str, options: Options) -> Options | manifests.Refusal | None:
    """Put a Corefile of somebody's own in; None if it cannot be served, of which everything has been said."""
    if LOCAL_PILLAR in options.local_ips:
        what = "with --template the addresses are not known, by which a Corefile is checked; expected one of the two"
        return manifests.Refusal(option="--corefile", what=what)
    from nodens.cli.own_corefile import take_in  # noqa: PLC0415 - those who bring none load no parser

    try:
        return take_in(file, options)
    except ConfigError as error:
        for problem in error.problems:
            sys.stderr.write(f"{problem.render()}\n")
        return None


def _write(folder: Path, files: dict[str, str]) -> int:
    """Write each object into a file of its own."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
            print(folder / name)
    except OSError as error:
        sys.stderr.write(f"--output-dir: {error.filename}: {(error.strerror or str(error)).lower()}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    """Name the options."""
    size = manifests.memory(DEFAULTS)
    parser = argparse.ArgumentParser(
        prog="nodens manifests",
        description="Write the Kubernetes objects of nodens: the official set of NodeLocal DNSCache, under the\n"
        "same names, so that it takes the original's place. Asks no cluster.",
        epilog=_EXAMPLES.format(
            request=size.request_mib,
            limit=size.limit_mib,
            formula="".join(f"  {line}\n" for line in manifests.FORMULA.splitlines()),
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--mode",
        type=_one_of(Mode, "a mode"),
        default=DEFAULTS.mode,
        metavar="MODE",
        help=f"how Services are made in this cluster: {', '.join(Mode)} (default: %(default)s)",
    )
    parser.add_argument(
        "--template", action="store_true", help="leave __PILLAR__ words for addresses and domain, to be put in with sed"
    )
    parser.add_argument(
        "--late-bind",
        action="store_true",
        help="let the agent fill in `bind` from its -localip: addresses stand in one place, as kustomize needs it",
    )
    cluster = parser.add_argument_group("the cluster")
    cluster.add_argument(
        "--dns-ip",
        type=_list,
        metavar="IP",
        help=f"address of cluster DNS, with --dual-stack one of each family (default: {DEFAULTS.dns_ips[0]})",
    )
    cluster.add_argument(
        "--local-ip",
        type=_list,
        metavar="IP",
        help=f"nodens' own address on a node (default: {DEFAULTS.local_ips[0]}; --dual-stack {','.join(_DUAL_LOCAL)})",
    )
    cluster.add_argument("--domain", metavar="NAME", help=f"the cluster domain (default: {DEFAULTS.domain})")
    cluster.add_argument("--dual-stack", action="store_true", help="serve IPv4 and IPv6")
    cluster.add_argument(
        "--namespace",
        default=DEFAULTS.namespace,
        metavar="NAME",
        help="where cluster DNS lives; all objects must stand beside it (default: %(default)s)",
    )
    cluster.add_argument(
        "--dns-service",
        default=DEFAULTS.dns_service,
        metavar="NAME",
        help="name of the cluster DNS Service (default: %(default)s)",
    )
    cluster.add_argument(
        "--dns-selector",
        type=_selector,
        default=DEFAULTS.dns_selector,
        metavar="KEY=VALUE",
        help="labels of the cluster DNS pods (default: k8s-app=kube-dns)",
    )
    parser.add_argument(
        "--corefile",
        metavar="FILE",
        help="your own Corefile in place of the official blocks, checked as by `nodens check`; `ready` and "
        "`health` are added if they are missing; `-` reads standard input",
    )
    _add_agent_options(parser)
    out = parser.add_argument_group("what is written")
    out.add_argument("-o", "--output-dir", type=Path, metavar="DIR", help="write a file for each object")
    out.add_argument("--json", action="store_true", help="write one List as JSON, for programs")
    return parser


def _add_agent_options(parser: argparse.ArgumentParser) -> None:
    """Name the options that shape the pods."""
    agent = parser.add_argument_group("the agent")
    agent.add_argument("--image", default=DEFAULTS.image, metavar="IMAGE", help="what runs (default: %(default)s)")
    agent.add_argument(
        "--cache-size",
        type=_whole,
        default=DEFAULTS.cache_size,
        metavar="N",
        help="answers, and as many denials, that each zone keeps; memory follows (default: %(default)s)",
    )
    agent.add_argument("--log", action="store_true", help="log every query; not for every day")
    agent.add_argument(
        "--no-surge",
        action="store_true",
        help="stop the old pod before the new one starts: for the first roll-out over a node-cache",
    )
    agent.add_argument(
        "--steering",
        type=_one_of(plan.SteeringWish, "a way to steer"),
        default=DEFAULTS.steering,
        metavar="WAY",
        help="language of the rules: auto (the node's safest), nft, iptables (seen by `iptables -S`; adds NET_RAW)",
    )
    agent.add_argument(
        "--link",
        type=_one_of(plan.LinkWish, "a kind of link"),
        default=DEFAULTS.link,
        metavar="KIND",
        help="kind of the interface: auto, tun (goes with its process), dummy (as node-cache's)",
    )
    agent.add_argument(
        "--legacy-iptables", action="store_true", help="add NET_RAW: nodes whose own iptables is the legacy one"
    )
    for name, what in (
        ("health", "liveness"),
        ("ready", "readiness"),
        ("metrics", "metrics"),
        ("setup-metrics", "node-cache's second metrics"),
    ):
        default = getattr(DEFAULTS, f"{name.replace('-', '_')}_port")
        agent.add_argument(
            f"--{name}-port", type=_whole, default=default, metavar="N", help=f"port of {what} (default: %(default)s)"
        )


def _options(asked: argparse.Namespace) -> Options:
    """Put what was asked into options; what was not given is the default of this mode."""
    base = TEMPLATE if asked.template else DEFAULTS
    local_ips = _DUAL_LOCAL if asked.dual_stack and not asked.template else base.local_ips
    dns_ips = () if asked.mode == Mode.IPVS else base.dns_ips
    return Options(
        mode=Mode(asked.mode),
        local_ips=local_ips if asked.local_ip is None else asked.local_ip,
        dns_ips=dns_ips if asked.dns_ip is None else asked.dns_ip,
        domain=base.domain if asked.domain is None else asked.domain,
        dns_service=asked.dns_service,
        dns_selector=asked.dns_selector,
        is_dual_stack=asked.dual_stack,
        is_late=asked.late_bind,
        namespace=asked.namespace,
        image=asked.image,
        cache_size=asked.cache_size,
        is_logging=asked.log,
        health_port=asked.health_port,
        ready_port=asked.ready_port,
        metrics_port=asked.metrics_port,
        setup_metrics_port=asked.setup_metrics_port,
        has_surge=not asked.no_surge,
        steering=plan.SteeringWish(asked.steering),
        link=plan.LinkWish(asked.link),
        has_legacy_iptables=asked.legacy_iptables,
    )


def _one_of(words: type[_Word], what: str) -> Callable[[str], _Word]:
    """Give a reader of these words."""

    def read(text: str) -> _Word:
        try:
            return words(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"`{text}` is not {what}; expected {', '.join(words)}") from None

    return read


def _whole(text: str) -> int:
    """Read a whole number."""
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"`{text}` is not a whole number; expected such as `8080`")
    return int(text)


def _list(text: str) -> tuple[str, ...]:
    """Read words with commas between them."""
    return tuple(text.split(","))


def _selector(text: str) -> tuple[tuple[str, str], ...]:
    """Read `key=value,key=value`."""
    pairs = [part.partition("=") for part in text.split(",")]
    if any(not key or not sign or not value for key, sign, value in pairs):
        raise argparse.ArgumentTypeError(f"`{text}` is not a selector; expected KEY=VALUE, such as `k8s-app=kube-dns`")
    return tuple((key, value) for key, _, value in pairs)
