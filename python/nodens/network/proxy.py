"""What kube-proxy left in the kernel, read as values: its mode, and where an address is translated to. Pure.

Three spellings of one thing: iptables (`iptables-save -c -t nat`), nftables (`nft -j list table ip kube-proxy`), IPVS
(/proc/net/ip_vs).
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

NFT_TABLE: Final = "kube-proxy"
IPVS_LINK: Final = "kube-ipvs0"
OTHER_LINKS: Final = {"cilium_host": "Cilium", "cilium_net": "Cilium", "bpfin.cali": "Calico's eBPF"}
_SERVICES: Final = "KUBE-SERVICES"
_DEPTH_LIMIT: Final = 8  # service, load balancing, endpoint: three are usual
_COUNTED: Final = re.compile(r"\[(\d+):\d+\] -A (\S+) (.*)")
_IPVS_IPV4_DIGITS: Final = 8


class ProxyMode(StrEnum):
    """How kube-proxy translates services."""

    IPTABLES = "iptables"
    NFTABLES = "nftables"
    IPVS = "ipvs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """Where one address and protocol goes. `packets`: new connections counted so far; None where nothing counts."""

    mode: ProxyMode
    address: str
    protocol: str
    endpoints: tuple[str, ...]
    packets: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """What was found. `other` names whoever does it without kube-proxy; `unread` says what could not be read."""

    modes: tuple[ProxyMode, ...] = ()
    other: str = ""
    translations: tuple[Translation, ...] = ()
    unread: tuple[str, ...] = ()


def has_services(saved: str) -> bool:
    """Whether iptables has rules in kube-proxy's chain. IPVS mode has some, too; its link tells them apart."""
    return f"-A {_SERVICES} " in saved


def other_proxy(links: Iterable[str]) -> str:
    """Name whoever else translates services, by the links that it makes."""
    return next((OTHER_LINKS[link] for link in links if link in OTHER_LINKS), "")


# ------------ iptables ------------


def read_iptables(saved: str, addresses: Iterable[str], port: int) -> tuple[Translation, ...]:
    """Follow the rules of some addresses from kube-proxy's first chain to its DNAT rules."""
    wanted = {str(ip_address(address)) for address in addresses}
    chains: dict[str, list[tuple[int, list[str]]]] = {}
    for line in saved.splitlines():
        if found := _COUNTED.match(line):
            chains.setdefault(found[2], []).append((int(found[1]), _words(found[3])))
    return tuple(
        Translation(
            mode=ProxyMode.IPTABLES,
            address=address,
            protocol=_after(words, "-p"),
            endpoints=tuple(dict.fromkeys(_dnat(chains, words, 0))),
            packets=packets,
        )
        for packets, words in chains.get(_SERVICES, ())
        if (address := _host(_after(words, "-d"))) in wanted and _after(words, "--dport") == str(port)
    )


def _words(text: str) -> list[str]:
    """Split a rule; one with quotes that do not close is split at blanks."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _after(words: Sequence[str], option: str) -> str:
    """Give an option's value; empty if it is not there."""
    return words[words.index(option) + 1] if option in words[:-1] else ""


def _host(text: str) -> str:
    """Give the address of a network that is one host."""
    try:
        network = ip_network(text)
    except ValueError:
        return ""
    return str(network.network_address) if network.num_addresses == 1 else ""


def _dnat(chains: dict[str, list[tuple[int, list[str]]]], words: Sequence[str], depth: int) -> Iterator[str]:
    """Give all targets of DNAT that can be reached from a rule."""
    target = _after(words, "-j") or _after(words, "-g")
    if target == "DNAT":
        yield _after(words, "--to-destination")
    elif depth < _DEPTH_LIMIT:
        for _, rule in chains.get(target, ()):
            yield from _dnat(chains, rule, depth + 1)


# ------------ nftables ------------


def read_nftables(listed: str, addresses: Iterable[str], port: int) -> tuple[Translation, ...]:
    """Look addresses up in kube-proxy's service map and follow its chains. ValueError if it is not nft's JSON."""
    wanted = {str(ip_address(address)) for address in addresses}
    parts = [part for part in json.loads(listed).get("nftables", ()) if isinstance(part, dict)]
    chains: dict[str, list[list[Any]]] = {}
    for rule in (part["rule"] for part in parts if "rule" in part):
        chains.setdefault(rule["chain"], []).append(rule["expr"])
    found = []
    for key, verdict in (each for part in parts if "map" in part for each in _elements(part["map"])):
        match key:
            case [str(address), str(protocol), int(number)] if address in wanted and number == port:
                chain = _target(verdict)
                endpoints = tuple(dict.fromkeys(_nft_dnat(chains, chain, 0)))
                steps = [step for rule in chains.get(chain, ()) for step in rule]
                counters = [step["counter"]["packets"] for step in steps if _counts(step)]
                found.append(
                    Translation(
                        mode=ProxyMode.NFTABLES,
                        address=address,
                        protocol=protocol,
                        endpoints=endpoints,
                        packets=sum(counters) if counters else None,
                    )
                )
    return tuple(found)


def _elements(told: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Give keys and values of a map; a key with a comment or a counter is wrapped."""
    for key, value in told.get("elem", ()):
        plain = key["elem"]["val"] if isinstance(key, dict) and "elem" in key else key
        yield (plain.get("concat") if isinstance(plain, dict) else plain), value


def _target(verdict: Any) -> str:  # noqa: ANN401 - nft's JSON
    """Give the chain that a verdict goes to."""
    if isinstance(verdict, dict):
        for word in ("goto", "jump"):
            if word in verdict:
                return str(verdict[word]["target"])
    return ""


def _counts(step: Any) -> bool:  # noqa: ANN401 - nft's JSON
    """Whether a step of a rule is a counter."""
    return isinstance(step, dict) and isinstance(step.get("counter"), dict)


def _nft_dnat(chains: dict[str, list[list[Any]]], chain: str, depth: int) -> Iterator[str]:
    """Give all targets of dnat that can be reached from a chain: by jumps, and by maps of verdicts."""
    for step in (step for rule in chains.get(chain, ()) for step in rule if isinstance(step, dict)):
        if isinstance(step.get("dnat"), dict):
            yield spell(str(step["dnat"].get("addr", "?")), step["dnat"].get("port"))
        if depth >= _DEPTH_LIMIT:
            continue
        targets = [_target(step)]
        if isinstance(vmap := step.get("vmap"), dict) and isinstance(vmap.get("data"), dict):
            targets += [_target(verdict) for _, verdict in vmap["data"].get("set", ())]
        for target in targets:
            yield from _nft_dnat(chains, target, depth + 1) if target else ()


# ------------ IPVS ------------


def read_ipvs(table: str, addresses: Iterable[str], port: int) -> tuple[Translation, ...]:
    """Read /proc/net/ip_vs: a line a service, then a line that begins with `->` for each endpoint."""
    wanted = {str(ip_address(address)) for address in addresses}
    services: list[tuple[str, str, int, list[str]]] = []
    for line in table.splitlines():
        match line.split():
            case ["TCP" | "UDP" as protocol, where, *_]:
                services.append((protocol.lower(), *_ipvs_place(where), []))
            case ["->", where, *_] if services and ":" in where and not where.startswith("Remote"):
                services[-1][3].append(spell(*_ipvs_place(where)))
    return tuple(
        Translation(mode=ProxyMode.IPVS, address=address, protocol=protocol, endpoints=tuple(endpoints))
        for protocol, address, number, endpoints in services
        if address in wanted and number == port
    )


def _ipvs_place(text: str) -> tuple[str, int]:
    """Read `0A60000A:0035`, or `[fd00:0096:...]:0035`."""
    host, _, number = text.rpartition(":")
    is_hex = len(host) == _IPVS_IPV4_DIGITS and ":" not in host
    address = ip_address(int(host, 16)) if is_hex else ip_address(host.strip("[]"))
    return str(address), int(number, 16)


def spell(address: str, port: int | None) -> str:
    """Write an address and a port, IPv6 in brackets."""
    if port is None:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
