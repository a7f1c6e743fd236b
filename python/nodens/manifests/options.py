"""What a cluster admin chooses, and which choices do not go together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final

from nodens import __version__
from nodens.config import CAPACITY_LIMIT, PORT_LIMIT, parse_name
from nodens.plan import LinkWish, SteeringWish

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCAL_PILLAR: Final = "__PILLAR__LOCAL__DNS__"
SERVER_PILLAR: Final = "__PILLAR__DNS__SERVER__"
DOMAIN_PILLAR: Final = "__PILLAR__DNS__DOMAIN__"

_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_CAPACITY_LEAST: Final = 256
_LINK_LOCAL: Final = IPv6Network("fe80::/10")
_EXAMPLES: Final = {"--local-ip": ("169.254.20.10", "fd00:20::10"), "--dns-ip": ("10.96.0.10", "fd00:96::a")}


class Mode(StrEnum):
    """How the cluster's Services are made, which decides what a node cache may hold."""

    IPTABLES = "iptables"
    NFTABLES = "nftables"
    IPVS = "ipvs"
    CILIUM = "cilium"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One installation. Addresses and domain are `__PILLAR__` words in the template, to be put in with sed.

    `local_ips` are the nodes' own; `dns_ips` those of the cluster DNS Service, `dns_service`, whose pods `dns_selector`
    finds. All objects stand in its namespace. `is_late` leaves `bind` to the agent, which has all addresses from its
    arguments. `own_corefile` takes the place of the official blocks; whoever gives it has checked it.
    """

    mode: Mode = Mode.IPTABLES
    local_ips: tuple[str, ...] = ("169.254.20.10",)
    dns_ips: tuple[str, ...] = ("10.96.0.10",)
    domain: str = "cluster.local"
    dns_service: str = "kube-dns"
    dns_selector: tuple[tuple[str, str], ...] = (("k8s-app", "kube-dns"),)
    is_dual_stack: bool = False
    is_late: bool = False
    namespace: str = "kube-system"
    image: str = f"nodens:{__version__}"
    cache_size: int = 9984
    is_logging: bool = False
    health_port: int = 8080
    ready_port: int = 8181
    metrics_port: int = 9253
    setup_metrics_port: int = 9353
    has_surge: bool = True
    steering: SteeringWish = SteeringWish.AUTO
    link: LinkWish = LinkWish.AUTO
    has_legacy_iptables: bool = False
    own_corefile: str = ""

    @property
    def is_on_host(self) -> bool:
        """Whether the agent lives in the node's network, and steers."""
        return self.mode is not Mode.CILIUM

    @property
    def addresses(self) -> tuple[str, ...]:
        """What the agent is told to listen on: its own addresses, then the Service's (not with ipvs)."""
        if not self.is_on_host:
            return ("0.0.0.0", "::") if self.is_dual_stack else ("0.0.0.0",)  # noqa: S104 - the pod's own network
        return self.local_ips + self.dns_ips


DEFAULTS: Final = Options()
TEMPLATE: Final = Options(local_ips=(LOCAL_PILLAR,), dns_ips=(SERVER_PILLAR,), domain=DOMAIN_PILLAR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an option cannot be as it is, under the name by which it was given."""

    option: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        """Write it as every message of ours: place, what is so, then a hint."""
        return f"{self.option}: {self.what}" + (f"\nhint: {self.hint}" if self.hint else "")


def refusals(options: Options) -> tuple[Refusal, ...]:
    """Give everything that does not fit, all at once; empty if the objects can be made."""
    return (*_of_addresses(options), *_of_names(options), *_of_numbers(options), *_of_steering(options))


def _of_addresses(options: Options) -> Iterator[Refusal]:
    """Look at the addresses: whether this mode can hold them, and their families."""
    if not options.is_on_host:
        return
    given = {"--local-ip": options.local_ips}
    if options.mode is Mode.IPVS:
        if options.dns_ips:
            yield Refusal(
                option="--dns-ip",
                what=f"{', '.join(options.dns_ips)} with --mode ipvs; expected none: `kube-ipvs0` holds it already",
                hint=f"pods find nodens by the kubelet's `clusterDNS: [{', '.join(options.local_ips)}]`",
            )
    else:
        given["--dns-ip"] = options.dns_ips
    for option, ips in given.items():
        if ips not in {(LOCAL_PILLAR,), (SERVER_PILLAR,)}:
            yield from _of_ips(option, ips, is_dual_stack=options.is_dual_stack)
        elif options.is_dual_stack:
            yield Refusal(
                option="--template",
                what=f"{ips[0]} stands for one address, --dual-stack needs two; expected {option} beside it",
            )
    known = {family for ips in given.values() for text in ips if (family := _family(text))}
    if not options.is_dual_stack and all(len(ips) == 1 for ips in given.values()) and len(known) > 1:
        yield Refusal(
            option="--local-ip",
            what=f"{options.local_ips[0]} and --dns-ip {options.dns_ips[0]} are of two families; expected one",
            hint="for an IPv6 cluster: --local-ip fd00:20::10",
        )
    if doubled := set(options.local_ips) & set(options.dns_ips):
        yield Refusal(option="--local-ip", what=f"`{min(doubled)}` is given as --dns-ip, too; expected one of our own")


def _of_ips(option: str, ips: tuple[str, ...], *, is_dual_stack: bool) -> Iterator[Refusal]:
    """Look at the addresses of one option."""
    families = [_family(text) for text in ips]
    for text, family in zip(ips, families, strict=True):
        if family is None:
            yield Refusal(option=option, what=f"`{text}` is not an IP address")
        elif reason := _is_nobodys(ip_address(text)):
            yield Refusal(
                option=option,
                what=f"`{text}` {reason}",
                hint=f"expected an address that pods send to, such as {_EXAMPLES[option][':' in text]}",
            )
        elif ip_address(text) in _LINK_LOCAL:
            yield Refusal(
                option=option,
                what=f"`{text}` is link-local, which in IPv6 means nothing without an interface",
                hint="expected a unique local address, such as fd00:20::10",
            )
    wanted = [4, 6] if is_dual_stack else [families[0] if families else 4]
    if None not in families and sorted(family or 0 for family in families) != wanted:
        yield _wrong_families(option, ips, is_dual_stack=is_dual_stack)


def _is_nobodys(address: IPv4Address | IPv6Address) -> str:
    """Say why no pod can send anything there; empty if it can."""
    if address.is_loopback:
        return "is a loopback address: in a pod it is the pod itself"
    if address.is_unspecified:
        return "is every address; expected one"
    if address.is_multicast or str(address) == "255.255.255.255":
        return "is a group's address, which nobody answers from"
    return ""


def _wrong_families(option: str, given: tuple[str, ...], *, is_dual_stack: bool) -> Refusal:
    """Say how many addresses of which family were expected."""
    said = ", ".join(given) or "none"
    if not is_dual_stack:
        return Refusal(
            option=option, what=f"{said}; expected one address", hint="--dual-stack takes one of each family"
        )
    hint = {
        "--local-ip": "--local-ip 169.254.20.10,fd00:20::10",
        "--dns-ip": "kubectl -n kube-system get service kube-dns -o jsonpath='{.spec.clusterIPs}' shows what it has; "
        "if it has one alone, leave out --dual-stack",
    }
    return Refusal(option=option, what=f"{said}; expected one address of each family", hint=hint[option])


def _family(text: str) -> int | None:
    """Give 4 or 6; None if it is no IP address."""
    try:
        address: IPv4Address | IPv6Address = ip_address(text)
    except ValueError:
        return None
    return address.version if "%" not in text else None


def _of_names(options: Options) -> Iterator[Refusal]:
    """Look at names."""
    try:
        if options.domain != DOMAIN_PILLAR and parse_name(options.domain) == ".":
            yield Refusal(option="--domain", what="`.` is every domain; expected the cluster's, such as cluster.local")
    except ValueError as error:
        yield Refusal(option="--domain", what=f"`{options.domain}` is not a domain name: {error}")
    if not _LABEL.fullmatch(options.namespace):
        yield Refusal(
            option="--namespace",
            what=f"`{options.namespace}` is not a namespace's name; expected letters a-z, digits and `-`, 63 at most",
        )
    if not options.image or any(letter.isspace() for letter in options.image):
        yield Refusal(option="--image", what=f"`{options.image}` is not an image; expected such as `{DEFAULTS.image}`")


def _of_numbers(options: Options) -> Iterator[Refusal]:
    """Look at numbers."""
    if not _CAPACITY_LEAST <= options.cache_size <= CAPACITY_LIMIT:
        yield Refusal(
            option="--cache-size",
            what=f"{options.cache_size} entries; expected {_CAPACITY_LEAST} to {CAPACITY_LIMIT}",
        )
    taken: dict[int, str] = {53: "DNS"}
    for option in ("health_port", "ready_port", "metrics_port", "setup_metrics_port"):
        port, name = getattr(options, option), f"--{option.replace('_', '-')}"
        if not 0 < port <= PORT_LIMIT:
            yield Refusal(option=name, what=f"{port} is not a port; expected 1 to {PORT_LIMIT}")
        elif port in taken:
            yield Refusal(option=name, what=f"{port} is taken by {taken[port]} already; expected another port")
        taken.setdefault(port, name)


def _of_steering(options: Options) -> Iterator[Refusal]:
    """Look at what steers, and where nothing may."""
    asked = {
        "--steering": options.steering is not SteeringWish.AUTO,
        "--link": options.link is not LinkWish.AUTO,
        "--legacy-iptables": options.has_legacy_iptables,
    }
    if not options.is_on_host:
        for option in (name for name, is_asked in asked.items() if is_asked):
            yield Refusal(
                option=option,
                what="with --mode cilium nothing is steered by nodens: Cilium's redirect policy does it",
            )
    elif options.mode is Mode.NFTABLES and options.steering is SteeringWish.IPTABLES:
        yield Refusal(
            option="--steering",
            what="--mode nftables writes no iptables rules; expected nft or auto",
            hint="for a kube-proxy in iptables mode: --mode iptables",
        )
