"""kube-proxy's iptables mode, for `iptables-restore --noflush`: what it writes once, and what at each sync. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from nodens.lab.world.proxy import MASQUERADE_MARK, Frontend, digest, frontends, with_port
from nodens.lab.world.topology import Topology

_MARKED = f"{MASQUERADE_MARK}/{MASQUERADE_MARK}"
_NEW = "-m conntrack --ctstate NEW"
_CHAIN_LETTERS = 16

# kubelet's: how kube-proxy and others learn which iptables a node uses, and that it was flushed.
_KUBELET = """\
*mangle
:KUBE-IPTABLES-HINT - [0:0]
:KUBE-KUBELET-CANARY - [0:0]
:KUBE-PROXY-CANARY - [0:0]
COMMIT
"""

_FILTER_JUMPS = f"""\
-A INPUT {_NEW} -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS
-A INPUT {_NEW} -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
-A INPUT -j KUBE-FIREWALL
-A FORWARD {_NEW} -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A FORWARD {_NEW} -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A FORWARD {_NEW} -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
-A OUTPUT {_NEW} -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A OUTPUT {_NEW} -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -j KUBE-FIREWALL
"""

_NAT_JUMPS = """\
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
"""

_FILTER_CHAINS = (
    "KUBE-EXTERNAL-SERVICES",
    "KUBE-FIREWALL",
    "KUBE-FORWARD",
    "KUBE-KUBELET-CANARY",
    "KUBE-NODEPORTS",
    "KUBE-PROXY-CANARY",
    "KUBE-PROXY-FIREWALL",
    "KUBE-SERVICES",
)
_NAT_CHAINS = (
    "KUBE-KUBELET-CANARY",
    "KUBE-MARK-MASQ",
    "KUBE-NODEPORTS",
    "KUBE-POSTROUTING",
    "KUBE-PROXY-CANARY",
    "KUBE-SERVICES",
)


def compose_base(family: int) -> str:
    """Compose what is written once: the chains, and the jumps to them from the kernel's."""
    loopback = (
        '-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections"'
        " -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP\n"
        if family == 4  # noqa: PLR2004 - the family's own number
        else ""
    )
    return (
        f"{_KUBELET}*filter\n{_declared(_FILTER_CHAINS)}{_FILTER_JUMPS}{loopback}"
        "-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP\n"
        f'-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark {_MARKED} -j ACCEPT\n'
        '-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule"'
        " -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n"
        f"*nat\n{_declared(_NAT_CHAINS)}{_NAT_JUMPS}"
        f"-A KUBE-MARK-MASQ -j MARK --set-xmark {_MARKED}\n"
        f"-A KUBE-POSTROUTING -m mark ! --mark {_MARKED} -j RETURN\n"
        f"-A KUBE-POSTROUTING -j MARK --set-xmark {MASQUERADE_MARK}/0x0\n"
        '-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT"'
        " -j MASQUERADE --random-fully\nCOMMIT\n"
    )


def compose_services(world: Topology, family: int, *, gone: Topology | None = None) -> str:
    """Compose one sync: a chain for each port of each Service, one for each endpoint; those of `gone` are removed."""
    fronts = list(frontends(world, family))
    chains = [name for front in fronts if front.endpoints for name in _chains(front)]
    left = [name for front in frontends(gone, family) for name in _chains(front)] if gone else []
    left = [name for name in dict.fromkeys(left) if name not in chains]
    nat = [f":{name} - [0:0]" for name in dict.fromkeys([*chains, *left, "KUBE-SERVICES"])]
    for front in fronts:
        nat += _rules(front, world.networks.pods.of(family)) if front.endpoints else []
    nat.append(
        '-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this'
        ' chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS'
    )
    nat += [f"-X {name}" for name in left]
    refusals = [_refusal(front, family) for front in fronts if not front.endpoints]
    filters = [":KUBE-SERVICES - [0:0]", *refusals]
    return "\n".join(["*filter", *filters, "COMMIT", "*nat", *nat, "COMMIT", ""])


def service_chain(front: Frontend) -> str:
    """Name the chain of a Service's port."""
    return "KUBE-SVC-" + digest(front.label + front.port.protocol, _CHAIN_LETTERS)


def endpoint_chain(front: Frontend, endpoint: str) -> str:
    """Name the chain of one endpoint of a Service's port."""
    where = with_port(endpoint, front.port.at_pod)
    return "KUBE-SEP-" + digest(front.label + front.port.protocol + where, _CHAIN_LETTERS)


def _chains(front: Frontend) -> list[str]:
    return [service_chain(front), *(endpoint_chain(front, each) for each in front.endpoints)]


def _rules(front: Frontend, pods: str) -> Iterator[str]:
    """Give the rules of one port: the way in, the choice among endpoints, each endpoint's translation."""
    service, protocol = service_chain(front), front.port.protocol
    to = f"-d {_host(front.address)} -p {protocol}"
    what = f'-m comment --comment "{front.label} cluster IP" -m {protocol} --dport {front.port.number}'
    yield f"-A KUBE-SERVICES {to} {what} -j {service}"
    yield f"-A {service} ! -s {pods} {to} {what} -j KUBE-MARK-MASQ"
    for place, endpoint in enumerate(front.endpoints):
        where, left = with_port(endpoint, front.port.at_pod), len(front.endpoints) - place
        choice = f"-m statistic --mode random --probability {1 / left:.10f} " if left > 1 else ""
        chain = endpoint_chain(front, endpoint)
        yield f'-A {service} -m comment --comment "{front.label} -> {where}" {choice}-j {chain}'
        yield f'-A {chain} -s {_host(endpoint)} -m comment --comment "{front.label}" -j KUBE-MARK-MASQ'
        yield (
            f'-A {chain} -p {protocol} -m comment --comment "{front.label}" -m {protocol}'
            f" -j DNAT --to-destination {where}"
        )


def _refusal(front: Frontend, family: int) -> str:
    icmp = "icmp-port-unreachable" if family == 4 else "icmp6-port-unreachable"  # noqa: PLR2004 - the family's own
    return (
        f"-A KUBE-SERVICES -d {_host(front.address)} -p {front.port.protocol} -m comment --comment"
        f' "{front.label} has no endpoints" -m {front.port.protocol} --dport {front.port.number}'
        f" -j REJECT --reject-with {icmp}"
    )


def _host(address: str) -> str:
    return f"{address}/{128 if ':' in address else 32}"


def _declared(chains: tuple[str, ...]) -> str:
    return "".join(f":{name} - [0:0]\n" for name in chains)
