"""`bind` words -> addresses of this node."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nodens.config import did_you_mean, parse_ip

if TYPE_CHECKING:
    from nodens.config import BindWord, Server
    from nodens.plan.facts import Facts
    from nodens.problems import Problems

ANY_IPV4 = "0.0.0.0"  # noqa: S104 - listening everywhere is what an absent `bind` asks for
ANY_IPV6 = "::"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address to listen on. `scope_id` is the interface of a link-local one, else 0; `interface` its name."""

    ip: str
    scope_id: int = 0
    interface: str = ""

    def __str__(self) -> str:
        """Write it as people do: `10.0.0.1`, `fe80::1%eth0`."""
        return f"{self.ip}%{self.interface}" if self.scope_id else self.ip

    @property
    def is_any(self) -> bool:
        """Whether it stands for all addresses."""
        return self.ip in {ANY_IPV4, ANY_IPV6}


def host_port(host: str, port: int) -> str:
    """Write a host and a port; an IPv6 address gets its brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def all_addresses(facts: Facts) -> Address:
    """Give what a block without `bind` listens on."""
    return Address(ip=ANY_IPV6 if facts.has_ipv6 else ANY_IPV4)


def bound_addresses(server: Server, facts: Facts, problems: Problems) -> tuple[Address, ...]:
    """Give the addresses of a block with `bind`, each once, in the order they were named."""
    if server.bind is None:
        return (all_addresses(facts),)
    left_out = {address for word in server.bind.except_words for address in _addresses(word, facts, problems) or ()}
    found: list[Address] = []
    for word in server.bind.words:
        for address in _addresses(word, facts, problems) or ():
            if address in left_out:
                continue
            if address in found:
                problems.warn(word.at, f"`{address}` is bound already in this block; taken once")
                continue
            found.append(address)
    if not found:
        problems.warn(dict(server.places).get("bind", server.at), "`bind` leaves no address; nobody can ask this block")
    return tuple(found)


def _addresses(word: BindWord, facts: Facts, problems: Problems) -> tuple[Address, ...] | None:
    """Give what one word stands for: an IP, or all addresses of an interface."""
    if ip := parse_ip(word.text):
        address = _one_address(*ip, word, facts, problems)
        return (address,) if address else None
    interface = next((known for known in facts.interfaces if known.name == word.text), None)
    if interface is None:
        hint = did_you_mean(word.text, [known.name for known in facts.interfaces])
        problems.note(word.at, f"`{word.text}` is neither an IP address nor an interface of this node", hint=hint)
        return None
    if not interface.addresses:
        problems.warn(word.at, f"interface `{word.text}` has no address")
    return tuple(
        Address(ip=ip, scope_id=interface.index, interface=interface.name) if is_link_local(ip) else Address(ip=ip)
        for ip in interface.addresses
    )


def _one_address(ip: str, zone_id: str, word: BindWord, facts: Facts, problems: Problems) -> Address | None:
    """Give a literal address; a link-local one needs its interface."""
    if not is_link_local(ip):
        if zone_id:
            problems.note(word.at, f"`{word.text}` names an interface; only link-local addresses take one")
            return None
        return Address(ip=ip)
    scopes = [(known.index, known.name) for known in facts.interfaces if not zone_id and ip in known.addresses]
    if zone_id and (scope_id := find_scope(zone_id, facts)):
        scopes = [(scope_id, zone_id)]
    if len(scopes) != 1:
        problems.note(word.at, f"`{word.text}` is link-local; expected it with an interface, such as `{ip}%eth0`")
        return None
    return Address(ip=ip, scope_id=scopes[0][0], interface=scopes[0][1])


def find_scope(zone_id: str, facts: Facts) -> int:
    """Give the number of the interface that a zone id names by name or number; 0 if there is none."""
    for interface in facts.interfaces:
        if zone_id in {interface.name, str(interface.index)}:
            return interface.index
    return 0


def is_link_local(ip: str) -> bool:
    """Whether an address means something only together with an interface."""
    try:
        return ipaddress.IPv6Address(ip).is_link_local
    except ValueError:
        return False
