"""Looks for kube-proxy on this node: links, its nft table, its iptables rules, IPVS. Looks, never touches."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nodens.errors import NetworkError
from nodens.network import link, nft
from nodens.network.iptables import every_iptables
from nodens.network.model import IPV4, IPV6, Step
from nodens.network.programs import run_tool
from nodens.network.proxy import (
    IPVS_LINK,
    NFT_TABLE,
    Proxy,
    ProxyMode,
    Translation,
    has_services,
    other_proxy,
    read_iptables,
    read_ipvs,
    read_nftables,
)
from nodens.network.rules import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_IPVS_TABLE: Final = Path("/proc/net/ip_vs")
_NFT_FAMILIES: Final = {IPV4: ("ip", 2), IPV6: ("ip6", 10)}


def held_by_ipvs(addresses: Sequence[str]) -> tuple[str, ...]:
    """Give the addresses that kube-proxy's IPVS link has: there it takes their packets, whatever rules we set."""
    state = link.find(IPVS_LINK)
    return tuple(address for address in addresses if state and address in state.addresses)


class _Search:
    """What was found so far."""

    def __init__(self, addresses: Sequence[str], port: int) -> None:
        """Look for the translations of these addresses."""
        self._addresses = addresses
        self._port = port
        self.modes: set[ProxyMode] = set()
        self.found: list[Translation] = []
        self.unread: list[str] = []

    def attempt(self, look: Callable[[int], None], family: int) -> None:
        """Look; what cannot be read is noted."""
        try:
            look(family)
        except (NetworkError, OSError, ValueError, KeyError, TypeError) as error:
            self.unread.append(f"{error}")

    def iptables(self, family: int) -> None:
        """Read every iptables' nat table."""
        for tool in every_iptables():
            saved = tool.save(family, Table.NAT, counts=True)
            if has_services(saved):
                self.modes.add(ProxyMode.IPTABLES)
                self.found += read_iptables(saved, self._of(family), self._port)

    def nftables(self, family: int) -> None:
        """Ask the kernel whether there is kube-proxy's table; only then ask `nft` for what is in it."""
        name, number = _NFT_FAMILIES[family]
        if not nft.has_table(NFT_TABLE, number):
            return
        self.modes.add(ProxyMode.NFTABLES)
        if wanted := self._of(family):
            listed = run_tool(["nft", "-j", "list", "table", name, NFT_TABLE], Step.READ_TABLE)
            self.found += read_nftables(listed, wanted, self._port)

    def ipvs(self, _: int) -> None:
        """Read IPVS' table."""
        self.modes.discard(ProxyMode.IPTABLES)  # it keeps some chains there
        self.modes.add(ProxyMode.IPVS)
        self.found += read_ipvs(_IPVS_TABLE.read_text(encoding="ascii"), self._addresses, self._port)

    def _of(self, family: int) -> list[str]:
        """The addresses of a family."""
        return [address for address in self._addresses if ip_address(address).version == family]


def survey_proxy(addresses: Sequence[str], port: int = 53) -> Proxy:
    """Find kube-proxy's mode, and where it sends these addresses. Never fails: `unread` says what could not be seen."""
    search = _Search(addresses, port)
    links = [name for _, name in socket.if_nameindex()]
    for family in (IPV4, IPV6):
        for look in (search.iptables, search.nftables):
            search.attempt(look, family)
    if IPVS_LINK in links:
        search.attempt(search.ipvs, IPV4)
    return Proxy(
        modes=tuple(sorted(search.modes)),
        other=other_proxy(links),
        translations=tuple(search.found),
        unread=tuple(dict.fromkeys(search.unread)),
    )
