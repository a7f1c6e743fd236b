"""Addresses and wishes -> what is held on the node, and what is pointed at us."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final

from nodens.plan.model import NetworkPlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nodens.plan.facts import Facts

_ULA: Final = IPv6Network("fc00::/7")


def split_addresses(given: Sequence[str], services: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tell our own addresses from those of the cluster DNS service, each once, in the order given.

    Link-local and loopback addresses are our own; what a service is known to have is borrowed. Of the rest an IPv4
    address is borrowed, and of IPv6's unique local ones the first is our own, since clusters take their services'
    addresses from there, too. One that stands alone is our own unless a service has it.
    """
    known = {str(ip_address(each)) for each in services}
    addresses = tuple(dict.fromkeys(ip_address(each) for each in given))
    own: list[str] = []
    for ip in addresses:
        is_first = ip.version == _ULA.version and ip in _ULA and not any(_is_ula(each) for each in own)
        is_alone = len(addresses) == 1
        if ip.is_link_local or ip.is_loopback or (str(ip) not in known and (is_first or is_alone)):
            own.append(str(ip))
    return tuple(own), tuple(str(ip) for ip in addresses if str(ip) not in own)


def _is_ula(text: str) -> bool:
    """Whether an address is of IPv6's unique local ones."""
    ip: IPv4Address | IPv6Address = ip_address(text)
    return isinstance(ip, IPv6Address) and ip in _ULA


def network_plan(facts: Facts) -> NetworkPlan:
    """Settle what the node is asked for; without addresses there is nothing to hold and nothing to point at us."""
    wished = facts.node
    has_addresses = bool(facts.own_addresses or facts.borrowed_addresses)
    return NetworkPlan(
        own_addresses=facts.own_addresses,
        borrowed_addresses=facts.borrowed_addresses,
        link_name=wished.link_name,
        link=wished.link,
        steering=wished.steering,
        sets_link=wished.sets_link and has_addresses,
        sets_rules=wished.sets_rules and has_addresses,
        is_left=wished.is_left,
        port=facts.default_port,
        health_port=wished.health_port,
        sync_interval_ms=wished.sync_interval_ms,
    )
