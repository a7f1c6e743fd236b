"""Verdicts on an agent that runs: does it hear what it is asked, and is its door its own. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nodens.doctor.model import Agent, Hearing, Line, Place, Subject, Unseen, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nodens.network import DoorHolder, Occupant

_DEAF_HINT: Final = (
    "the process lives and hears nothing: a firewall on this node, or somebody else took its sockets; restart it"
)
_PART_HINT: Final = (
    "several sockets share the address, and one of them is not read: a process that hangs, or a stranger's socket"
)
_SQUATTED_HINT: Final = (
    "who took the name is no agent, or its agent is gone: end it; until then nothing can be handed over at an upgrade"
)
_SHUT_HINT: Final = "the name is taken, and nobody is let in: nothing can be handed over at an upgrade"


def judge_hearing(
    found: Mapping[Place, Hearing | Unseen], occupants: tuple[Occupant, ...] | Unseen, subject: Subject
) -> Iterator[Line]:
    """Say of each address that somebody serves whether a question to it is answered."""
    for place, heard in found.items():
        check = f"hearing {place}"
        is_served = isinstance(occupants, Unseen) or any(
            each.port == subject.port and each.address in (place.address, "0.0.0.0", "::")  # noqa: S104 - compared
            for each in occupants
        )
        if not is_served:
            continue
        if isinstance(heard, Unseen):
            yield Line(check=check, verdict=Verdict.SKIPPED, what=heard.why)
        else:
            yield _judge_heard(check, heard)


def _judge_heard(check: str, heard: Hearing) -> Line:
    """Judge one address."""
    if heard.silent == heard.asked or not heard.is_heard_by_tcp:
        udp = "silent" if heard.silent == heard.asked else "answers"
        tcp = "answers" if heard.is_heard_by_tcp else "silent"
        what = f"asked from this node: udp {udp}, tcp {tcp}"
        return Line(check=check, verdict=Verdict.BAD, what=what, hint=_DEAF_HINT)
    if heard.silent:
        what = f"asked from this node: {heard.silent} of {heard.asked} questions by udp are not answered"
        return Line(check=check, verdict=Verdict.BAD, what=what, hint=_PART_HINT)
    what = f"asked from this node: answers by udp ({heard.asked} of {heard.asked} ports) and tcp"
    return Line(check=check, verdict=Verdict.OK, what=what)


def judge_doors(found: tuple[DoorHolder, ...] | Unseen, agent: Agent | Unseen | None) -> Iterator[Line]:
    """Say whose the names are at which the next agent knocks."""
    if isinstance(found, Unseen):
        yield Line(check="door", verdict=Verdict.SKIPPED, what=found.why)
        return
    for door in found:
        check = f"door {Place(address=door.address, port=door.port)}"
        who = f"pid {door.pid}, `{door.program}`" if door.pid is not None else "a process that cannot be seen from here"
        if not door.is_open:
            what = f"taken by {who}, which lets nobody in"
            yield Line(check=check, verdict=Verdict.WARN, what=what, hint=_SHUT_HINT)
        elif door.serves:
            yield Line(check=check, verdict=Verdict.OK, what=f"kept by {who}")
        elif door.pid is None:
            hint = "run as root, in the host's pid namespace, to see whose it is"
            verdict = Verdict.OK if isinstance(agent, Agent) else Verdict.WARN
            yield Line(check=check, verdict=verdict, what=f"kept by {who}", hint=hint)
        else:
            what = f"taken by {who}, which does not serve the address"
            yield Line(check=check, verdict=Verdict.WARN, what=what, hint=_SQUATTED_HINT)
