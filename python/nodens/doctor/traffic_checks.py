"""Verdicts on who has the ports and where queries go: agent, ports, kube-proxy, translations. Pure."""

from __future__ import annotations

from ipaddress import ip_address
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from nodens.doctor.model import Agent, Line, Place, Subject, Unseen, Verdict
from nodens.network import ProxyMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nodens.network import Occupant, Proxy, Translation

SIDE_PORTS: Final = {8080: "health", 9253: "metrics", 9353: "set-up metrics"}
_AGENTS: Final = ("nodens", "node-cache")
_PROTOCOLS: Final = ("udp", "tcp")


def is_agent(occupant: Occupant) -> bool:
    """Whether a process is nodens or node-cache, by its name or its first words."""
    words = [occupant.program, *occupant.command.split()[:3]]
    is_module = any(word == "-m" and next_.startswith("nodens") for word, next_ in pairwise(words))
    return is_module or any(word.rsplit("/", 1)[-1] in _AGENTS for word in words)


def find_agent(occupants: Iterable[Occupant], subject: Subject) -> Agent | None:
    """Find the agent: known by name, or, where its process cannot be seen, by serving an own address."""
    serving = [each for each in occupants if each.port == subject.port]
    for each in serving:
        if each.pid is not None and is_agent(each):
            return Agent(pid=each.pid, program=each.program)
    if any(each.pid is None and each.address in subject.own for each in serving):
        return Agent(pid=None, program="")
    return None


def judge_agent(found: Agent | Unseen | None) -> Line:
    """Say which agent runs."""
    if isinstance(found, Unseen):
        return Line(check="agent", verdict=Verdict.SKIPPED, what=found.why)
    if found is None:
        return Line(check="agent", verdict=Verdict.SKIPPED, what="none runs here")
    who = f"pid {found.pid}, `{found.program}`" if found.pid is not None else "a process that cannot be seen from here"
    told = [who, found.version or "version unknown", f"rung {found.rung}" if found.rung else "rung unknown"]
    if found.steers is False and found.rung != "0":
        told.append("traffic is not pointed at it")
        hint = "it waits for an upstream that answers, or was asked to steer nothing; its log tells"
        return Line(check="agent", verdict=Verdict.WARN, what=", ".join(told), hint=hint)
    hint = "" if found.version else "its metrics (ports 9253, 9353) did not tell"
    return Line(check="agent", verdict=Verdict.OK, what=", ".join(told), hint=hint)


def judge_ports(found: tuple[Occupant, ...] | Unseen, subject: Subject, agent: Agent | Unseen | None) -> Iterator[Line]:
    """Say who has port 53, per address and protocol, and the side ports."""
    if isinstance(found, Unseen):
        yield Line(check=f"port {subject.port}", verdict=Verdict.SKIPPED, what=found.why)
        return
    for address in subject.local:
        for protocol in _PROTOCOLS:
            yield _judge_place(found, Place(address=address, port=subject.port), protocol, agent)
    yield from _judge_others(found, subject)
    for port, purpose in SIDE_PORTS.items():
        yield _judge_side(found, port, purpose, subject)


def _who(occupants: Iterable[Occupant]) -> str:
    """Name the processes."""
    told = [
        f"pid {each.pid}, `{each.program}`" if each.pid is not None else "a process that cannot be seen from here"
        for each in occupants
    ]
    return "; ".join(dict.fromkeys(told))


def _meets(held: str, wanted: str) -> bool:
    """Whether a socket on one address is in the way of one on another; `::` may stand for IPv4, too."""
    one, other = ip_address(held), ip_address(wanted)
    return held == wanted or (one.is_unspecified and (one.version >= other.version))


def _judge_place(found: Iterable[Occupant], place: Place, protocol: str, agent: Agent | Unseen | None) -> Line:
    """Judge one of our own addresses."""
    check = f"{place}/{protocol}"
    here = [each for each in found if each.port == place.port and each.protocol == protocol]
    holders = [each for each in here if _meets(each.address, place.address)]
    strangers = [each for each in holders if each.pid is not None and not is_agent(each)]
    if strangers:
        hint = "stop it, or bind it to other addresses: the agent would not start, or get half of the queries"
        return Line(check=check, verdict=Verdict.BAD, what=f"taken by {_who(strangers)}", hint=hint)
    if any(each.pid is None for each in holders):
        hint = "run as root, in the host's pid namespace, to see whose it is"
        return Line(check=check, verdict=Verdict.WARN, what=f"held by {_who(holders)}", hint=hint)
    if holders:
        return Line(check=check, verdict=Verdict.OK, what=f"served by {_who(holders)}")
    if isinstance(agent, Agent):
        hint = "the agent runs and does not serve this address: compare its Corefile's `bind` with `-localip`"
        return Line(check=check, verdict=Verdict.WARN, what="served by nobody", hint=hint)
    return Line(check=check, verdict=Verdict.OK, what="free")


def _judge_others(found: Iterable[Occupant], subject: Subject) -> Iterator[Line]:
    """Say who has port 53 elsewhere; with no address of ours to compare with, that is all there is to say."""
    here = [each for each in found if each.port == subject.port and each.address not in subject.local]
    beside = [each for each in here if not any(_meets(each.address, address) for address in subject.local)]
    if beside:
        told = [f"{Place(address=each.address, port=each.port)}/{each.protocol} by {_who([each])}" for each in beside]
        is_on_all = any(ip_address(each.address).is_unspecified and not is_agent(each) for each in beside)
        yield Line(
            check=f"port {subject.port}",
            verdict=Verdict.WARN if is_on_all else Verdict.OK,
            what="elsewhere: " + ", ".join(dict.fromkeys(told)),
            hint="a server on all addresses takes ours, too: bind it to its own" if is_on_all else "",
        )
    elif not subject.local:
        yield Line(check=f"port {subject.port}", verdict=Verdict.OK, what="free on all addresses")


def _judge_side(found: Iterable[Occupant], port: int, purpose: str, subject: Subject) -> Line:
    """Judge a port of health or metrics: who is there, and is it in the way?"""
    check = f"port {port}"
    here = [each for each in found if (each.port, each.protocol) == (port, "tcp")]
    if not here:
        return Line(check=check, verdict=Verdict.OK, what=f"free ({purpose})")
    strangers = [each for each in here if each.pid is not None and not is_agent(each)]
    in_the_way = [
        each
        for each in strangers
        if port != next(iter(SIDE_PORTS))
        or not subject.local
        or any(_meets(each.address, address) for address in subject.local)
    ]
    if in_the_way:
        hint = f"{purpose} of the agent will be missing there: give one of the two another port"
        return Line(check=check, verdict=Verdict.WARN, what=f"{purpose}: taken by {_who(in_the_way)}", hint=hint)
    told = [f"{each.address} by {_who([each])}" for each in here]
    return Line(check=check, verdict=Verdict.OK, what=f"{purpose}: " + ", ".join(dict.fromkeys(told)))


# ------------ kube-proxy ------------


def judge_proxy(found: Proxy | Unseen, subject: Subject) -> Iterator[Line]:
    """Say in which mode kube-proxy is."""
    if isinstance(found, Unseen):
        yield Line(check="kube-proxy", verdict=Verdict.SKIPPED, what=found.why)
        return
    modes = ", ".join(found.modes)
    if len(found.modes) > 1:
        hint = "one of them is a left-over of a changed mode: `kube-proxy --cleanup`, or restart the node"
        yield Line(check="kube-proxy", verdict=Verdict.WARN, what=f"more than one mode: {modes}", hint=hint)
    elif ProxyMode.IPVS in found.modes and subject.borrowed:
        hint = "in IPVS mode only the link-local address can be served: `-localip` without the cluster DNS address"
        yield Line(check="kube-proxy", verdict=Verdict.BAD, what=f"ipvs, and {subject.borrowed[0]} is ours", hint=hint)
    elif found.modes:
        yield Line(check="kube-proxy", verdict=Verdict.OK, what=modes)
    elif found.other:
        hint = "pods' queries do not pass netfilter: run on the pod network, with a local redirect policy"
        yield Line(check="kube-proxy", verdict=Verdict.WARN, what=f"none; {found.other} is here", hint=hint)
    elif not found.unread:
        hint = "nobody takes over when the agent dies"
        yield Line(check="kube-proxy", verdict=Verdict.WARN, what="none found", hint=hint)
    for unread in found.unread:
        yield Line(check="kube-proxy", verdict=Verdict.SKIPPED, what=unread)


def judge_translations(found: Proxy | Unseen, subject: Subject) -> Iterator[Line]:
    """Say where the cluster DNS service's addresses are translated to, and how often that was done."""
    addresses = service_addresses(subject)
    if isinstance(found, Unseen) or not found.modes:
        return
    if not addresses:
        hint = "name the cluster DNS service's address: `--localip` or `--cluster-dns`"
        yield Line(check="dnat", verdict=Verdict.SKIPPED, what="no address to look for", hint=hint)
    for address in addresses:
        here = [each for protocol in _PROTOCOLS for each in found.translations if _is_of(each, address, protocol)]
        if not here and address not in subject.borrowed:
            continue  # cluster DNS may be asked at an address that is no Service's
        missing = [protocol for protocol in _PROTOCOLS if not any(each.protocol == protocol for each in here)]
        empty = [each for each in here if not each.endpoints]
        told = [_spell(each) for each in here] + [f"{protocol}: no rule" for protocol in missing]
        is_bad = bool(missing or empty) and not found.unread
        yield Line(
            check=f"dnat {address}",
            verdict=Verdict.BAD if is_bad else Verdict.SKIPPED if missing else Verdict.OK,
            what="; ".join(told),
            hint="is there such a Service, and has it endpoints? Nobody takes over when the agent dies"
            if is_bad
            else "",
        )


def _is_of(found: Translation, address: str, protocol: str) -> bool:
    """Whether a translation is of this address and protocol."""
    return (found.address, found.protocol) == (address, protocol)


def service_addresses(subject: Subject) -> tuple[str, ...]:
    """The addresses that kube-proxy should translate: those we borrow, and that of cluster DNS' other Service."""
    given = [*subject.borrowed, *(place.address for place in subject.cluster)]
    return tuple(dict.fromkeys(str(ip_address(address)) for address in given))


def _spell(found: Translation) -> str:
    """Say one translation."""
    count = "not counted" if found.packets is None else f"{found.packets} new connections so far"
    return f"{found.protocol} to {', '.join(found.endpoints) or 'nobody'} ({found.mode}, {count})"
