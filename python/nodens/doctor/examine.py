"""The examination: all surveys at once, each with its end, then every check on what was found."""

from __future__ import annotations

import re
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from nodens import lifecycle, network
from nodens.doctor import agent_checks, answer_checks, asking, node_checks, traffic_checks
from nodens.doctor.errands import Errand, wait_all
from nodens.doctor.model import Agent, Answer, Hearing, Line, Place, Rights, Subject, Unseen
from nodens.doctor.subject import Asked, survey_subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nodens.doctor.model import ResolvConf
    from nodens.network import Conntrack, DoorHolder, Kernel, Occupant, Proxy, Release

LIMIT_S: Final = 3.5  # for all surveys together
_HEARING_PORTS: Final = 16  # one of several sockets that is deaf is met by some of them
_HEARING_WAIT_S: Final = 0.7
_NEEDED: Final = (network.Capability.NET_ADMIN, network.Capability.NET_BIND_SERVICE, network.Capability.NET_RAW)
_VERSION: Final = re.compile(r'^coredns_build_info\{[^}]*version="([^"]*)"', re.MULTILINE)
_RUNG: Final = re.compile(r"^nodens_steering_rung(?:\{[^}]*\})? (\d+)", re.MULTILINE)
_STEERS: Final = re.compile(r"^nodens_steered(?:\{[^}]*\})? (\d+)", re.MULTILINE)


class _Surveys:
    """All that is surveyed, under way."""

    def __init__(self, asked: Asked, subject: Subject) -> None:
        """Begin all."""
        addresses = subject.local or ("127.0.0.1",)
        families = sorted({ip_address(address).version for address in addresses})
        self.kernel: Errand[Kernel] = Errand(
            "kernel",
            partial(
                network.probe,
                families,
                wants_iptables=asked.wishes.steering == "iptables",
                leaves_no_trace=True,
            ),
        )
        self.traces: Errand[Release] = Errand("left-overs", partial(network.look, subject.link_name, port=subject.port))
        self.proxy: Errand[Proxy] = Errand(
            "kube-proxy",
            partial(network.survey_proxy, traffic_checks.service_addresses(subject), subject.port),
        )
        self.conntrack: Errand[Conntrack | Unseen] = Errand("conntrack", _conntrack)
        self.ports: Errand[tuple[tuple[Occupant, ...], Agent | None]] = Errand("ports", partial(_ports, subject))
        self.doors: Errand[tuple[DoorHolder, ...]] = Errand(
            "doors", partial(network.survey_doors, subject.local, subject.port)
        )
        # Borrowed addresses may be cluster DNS's, for this node, too; compared answers tell of them.
        self.hearing = {
            place: Errand(f"hearing {place}", partial(_hear, place))
            for place in (Place(address=address, port=subject.port) for address in subject.own)
        }
        self.upstreams = {
            (upstream, protocol): Errand(
                f"upstream {upstream.place}/{protocol}",
                partial(asking.ask, upstream.place, *_question(subject, is_cluster=upstream.is_cluster), protocol),
            )
            for upstream in subject.upstreams
            for protocol in ("udp", "tcp")
        }
        places = answer_checks.places_to_compare(subject)
        self.answers = {
            (name, place): Errand(f"answer {name} of {place}", partial(asking.ask, place, name))
            for name in subject.names
            for place in places
            if place
        }

    @property
    def all(self) -> Sequence[Errand[object]]:
        """Every errand."""
        alone: tuple[Errand[object], ...] = (self.kernel, self.traces, self.proxy, self.conntrack, self.ports)
        return (*alone, self.doors, *self.hearing.values(), *self.upstreams.values(), *self.answers.values())


def examine(asked: Asked, tell: Callable[[Sequence[str]], None] = lambda _: None) -> tuple[Line, ...]:
    """Look at this node and say what is well and what is not. Changes nothing; ends within five seconds.

    `tell` hears, twice a second, what is still waited for.
    """
    subject, files, corefile = survey_subject(asked)
    surveys = _Surveys(asked, subject)
    wait_all(surveys.all, LIMIT_S, tell)
    return (
        *_on_node(asked, subject, surveys),
        *_on_traffic(subject, surveys),
        corefile,
        *_on_names(subject, files, surveys),
    )


def _on_node(asked: Asked, subject: Subject, surveys: _Surveys) -> Iterator[Line]:
    """The node itself."""
    rights = Rights(
        lacking=tuple(each.name for each in network.lacking(_NEEDED)), first_free_port=network.first_free_port()
    )
    kernel = surveys.kernel.found()
    yield node_checks.judge_rights(rights, subject, needs_raw=node_checks.needs_raw_socket(kernel, asked.wishes))
    yield node_checks.judge_kernel(kernel, rights)
    yield node_checks.judge_rung(kernel, asked.wishes, rights)
    yield node_checks.judge_conntrack(surveys.conntrack.found())
    yield from node_checks.judge_traces(surveys.traces.found())


def _on_traffic(subject: Subject, surveys: _Surveys) -> Iterator[Line]:
    """Who has the ports, and where queries go."""
    found = surveys.ports.found()
    occupants, agent = (found, found) if isinstance(found, Unseen) else found
    yield traffic_checks.judge_agent(agent)
    yield from traffic_checks.judge_ports(occupants, subject, agent)
    hearing = {place: errand.found() for place, errand in surveys.hearing.items()}
    yield from agent_checks.judge_hearing(hearing, occupants, subject)
    yield from agent_checks.judge_doors(surveys.doors.found(), agent)
    yield from traffic_checks.judge_proxy(surveys.proxy.found(), subject)
    yield from traffic_checks.judge_translations(surveys.proxy.found(), subject)


def _on_names(subject: Subject, files: Sequence[ResolvConf], surveys: _Surveys) -> Iterator[Line]:
    """Who answers, and what."""
    for file in files:
        yield answer_checks.judge_resolv_conf(file, subject)
    for upstream in subject.upstreams:
        told = {protocol: _answer(surveys.upstreams[upstream, protocol]) for protocol in ("udp", "tcp")}
        yield answer_checks.judge_upstream(upstream, told, subject)
    ours, theirs = answer_checks.places_to_compare(subject)
    found = surveys.ports.found()
    is_served = isinstance(found, Unseen) or any(
        each.port == subject.port and ours and each.address in (ours.address, "0.0.0.0", "::")  # noqa: S104 - compared
        for each in found[0]
    )
    for name in subject.names:
        yield answer_checks.judge_answers(
            name,
            _answer(surveys.answers[name, ours]) if ours and is_served else None,
            _answer(surveys.answers[name, theirs]) if theirs else None,
            subject,
        )


def _answer(errand: Errand[Answer]) -> Answer:
    """Give what a server said; a question that did not come to its end was not answered."""
    found = errand.found()
    return Answer(trouble=found.why) if isinstance(found, Unseen) else found


def _question(subject: Subject, *, is_cluster: bool) -> tuple[str, str]:
    """What to ask an upstream: a name that cluster DNS has, or the root's servers."""
    return (f"kubernetes.default.svc.{subject.domain}", "A") if is_cluster else (".", "NS")


def _conntrack() -> Conntrack | Unseen:
    """Read the tracker's numbers."""
    try:
        return network.survey_conntrack()
    except FileNotFoundError:
        return Unseen("this kernel tracks no connections here")


def _ports(subject: Subject) -> tuple[tuple[Occupant, ...], Agent | None]:
    """See who has the ports; ask the agent among them for its metrics."""
    occupants = network.survey_occupants((subject.port, *traffic_checks.SIDE_PORTS))
    agent = traffic_checks.find_agent(occupants, subject)
    if agent is None:
        return occupants, None
    pages = [
        asking.fetch_metrics(Place(address=_reachable(each.address), port=each.port))
        for each in occupants
        if each.port in (9253, 9353) and each.pid == agent.pid
    ]
    text = "\n".join(pages)
    version, rung, steers = _VERSION.search(text), _RUNG.search(text), _STEERS.search(text)
    return occupants, Agent(
        pid=agent.pid,
        program=agent.program,
        version=version[1] if version else "",
        rung=rung[1] if rung else "",
        steers=steers[1] != "0" if steers else False if rung else None,  # the gauge comes with the first steering
    )


def _hear(place: Place) -> Hearing | Unseen:
    """Ask one of our addresses as its own keeper does; nothing of it is counted, logged or sent on."""
    where = (place.address, place.port)
    try:
        silent = lifecycle.unheard(where, _HEARING_PORTS, _HEARING_WAIT_S)
        is_heard_by_tcp = any(lifecycle.is_heard_by_stream(where, _HEARING_WAIT_S) for _ in range(2))
    except OSError:
        return Unseen("the address is not on this node")
    return Hearing(asked=_HEARING_PORTS, silent=silent, is_heard_by_tcp=is_heard_by_tcp)


def _reachable(address: str) -> str:
    """Where a socket on all addresses can be reached."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 - compared
