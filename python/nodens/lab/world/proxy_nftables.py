"""kube-proxy's nftables mode, for `nft -f`: one table a family, replaced in one transaction at each sync. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from nodens.lab.world.proxy import MASQUERADE_MARK, Frontend, digest, frontends, with_port
from nodens.lab.world.topology import Topology

TABLE = "kube-proxy"
_CHAIN_LETTERS = 8

_HOOKS = """\
 chain filter-prerouting-pre-dnat {
  type filter hook prerouting priority -110
  ct state new jump firewall-check
 }
 chain filter-output-pre-dnat {
  type filter hook output priority -110
  ct state new jump firewall-check
 }
 chain filter-input {
  type filter hook input priority 0
  ct state new jump nodeport-endpoints-check
  ct state new jump service-endpoints-check
 }
 chain filter-forward {
  type filter hook forward priority 0
  ct state new jump service-endpoints-check
  ct state new jump cluster-ips-check
 }
 chain filter-output {
  type filter hook output priority 0
  ct state new jump service-endpoints-check
  ct state new jump cluster-ips-check
 }
 chain nat-prerouting {
  type nat hook prerouting priority -100
  jump services
 }
 chain nat-output {
  type nat hook output priority -100
  jump services
 }
 chain nat-postrouting {
  type nat hook postrouting priority 100
  jump masquerading
 }
"""


def compose(world: Topology, family: int) -> str:
    """Compose the whole table, after the one that may be there is gone: one transaction."""
    ip = "ip" if family == 4 else "ip6"  # noqa: PLR2004 - the family's own number
    fronts = list(frontends(world, family))
    pods, services = world.networks.pods.of(family), world.networks.services.of(family)
    chains = [line for front in fronts if front.endpoints for line in _chains_of(front, ip, pods)]
    return "\n".join(
        [
            f"table {ip} {TABLE}",
            f"delete table {ip} {TABLE}",
            f"table {ip} {TABLE} {{",
            ' comment "rules for kube-proxy"',
            *_sets("ipv4_addr" if ip == "ip" else "ipv6_addr"),
            *_HOOKS.splitlines(),
            *_checks(ip, services),
            *chains,
            "}",
            *_elements(fronts, ip),
            "",
        ]
    )


def service_chain(front: Frontend) -> str:
    """Name the chain of a Service's port."""
    return f"service-{digest(_base(front), _CHAIN_LETTERS)}-{_base(front)}"


def endpoint_chain(front: Frontend, endpoint: str) -> str:
    """Name the chain of one endpoint; its colons become dots, since a name has none."""
    whole = f"{_base(front)}__{endpoint.replace(':', '.')}/{front.port.at_pod}"
    return f"endpoint-{digest(whole, _CHAIN_LETTERS)}-{whole}"


def _base(front: Frontend) -> str:
    return f"{front.service.full_name}/{front.port.protocol}/{front.port.name}"


def _sets(address: str) -> Iterator[str]:
    key = f"{address} . inet_proto . inet_service"
    for kind, name, what, comment in (
        ("set", "cluster-ips", address, "Active ClusterIPs"),
        ("set", "nodeport-ips", address, "IPs that accept NodePort traffic"),
        (
            "map",
            "no-endpoint-services",
            f"{key} : verdict",
            "vmap to drop or reject packets to services with no endpoints",
        ),
        (
            "map",
            "no-endpoint-nodeports",
            "inet_proto . inet_service : verdict",
            "vmap to drop or reject packets to service nodeports with no endpoints",
        ),
        (
            "map",
            "firewall-ips",
            f"{key} : verdict",
            "destinations that are subject to LoadBalancerSourceRanges",
        ),
        ("map", "service-ips", f"{key} : verdict", "ClusterIP, ExternalIP and LoadBalancer IP traffic"),
        ("map", "service-nodeports", "inet_proto . inet_service : verdict", "NodePort traffic"),
    ):
        yield from (f" {kind} {name} {{", f"  type {what}", f'  comment "{comment}"', " }")


def _checks(ip: str, services: str) -> Iterator[str]:
    key = f"{ip} daddr . meta l4proto . th dport"
    to_node = f"{ip} daddr @nodeport-ips meta l4proto . th dport"
    for name, rules in (
        ("nodeport-endpoints-check", [f"{to_node} vmap @no-endpoint-nodeports"]),
        ("service-endpoints-check", [f"{key} vmap @no-endpoint-services"]),
        ("firewall-check", [f"{key} vmap @firewall-ips"]),
        (
            "masquerading",
            [
                f"meta mark and {MASQUERADE_MARK} == 0 return",
                f"meta mark set meta mark xor {MASQUERADE_MARK}",
                "masquerade fully-random",
            ],
        ),
        (
            "cluster-ips-check",
            [
                f'{ip} daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"',
                f'{ip} daddr {{ {services} }} drop comment "Drop traffic to unallocated ClusterIPs"',
            ],
        ),
        ("mark-for-masquerade", [f"meta mark set meta mark or {MASQUERADE_MARK}"]),
        ("reject-chain", ["reject"]),
        ("services", [f"{key} vmap @service-ips", f"{to_node} vmap @service-nodeports"]),
    ):
        yield from _chain(name, rules)


def _chains_of(front: Frontend, ip: str, pods: str) -> Iterator[str]:
    """Give the chains of one port: the choice among endpoints, each endpoint's translation."""
    protocol = front.port.protocol
    for endpoint in front.endpoints:
        where = with_port(endpoint, front.port.at_pod)
        yield from _chain(
            endpoint_chain(front, endpoint),
            [f"{ip} saddr {endpoint} jump mark-for-masquerade", f"meta l4proto {protocol} dnat to {where}"],
        )
    choices = ", ".join(
        f"{place} : goto {endpoint_chain(front, endpoint)}" for place, endpoint in enumerate(front.endpoints)
    )
    to = f"{ip} daddr {front.address} {protocol} dport {front.port.number}"
    yield from _chain(
        service_chain(front),
        [
            f"{to} {ip} saddr != {pods} jump mark-for-masquerade",
            f"numgen random mod {len(front.endpoints)} vmap {{ {choices} }}",
        ],
    )


def _elements(fronts: list[Frontend], ip: str) -> Iterator[str]:
    """Give what fills the sets and maps."""
    addresses = ", ".join(dict.fromkeys(front.address for front in fronts))
    if addresses:
        yield f"add element {ip} {TABLE} cluster-ips {{ {addresses} }}"
    for front in fronts:
        key = f"{front.address} . {front.port.protocol} . {front.port.number}"
        if front.endpoints:
            yield f"add element {ip} {TABLE} service-ips {{ {key} : goto {service_chain(front)} }}"
        else:
            comment = f'comment "{front.label}"'
            yield f"add element {ip} {TABLE} no-endpoint-services {{ {key} {comment} : goto reject-chain }}"


def _chain(name: str, rules: list[str]) -> Iterator[str]:
    yield f" chain {name} {{"
    yield from (f"  {rule}" for rule in rules)
    yield " }"
