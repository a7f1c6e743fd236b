"""Verdicts on names: upstreams that answer, resolv.conf that leads back to us, the same answers from both. Pure."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from nodens.doctor.model import Answer, Line, Place, ResolvConf, Subject, Upstream, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

_SLOW_MS: Final = 500.0  # a client's own patience is 5 s, and it asks for several names
_SHOWN_LIMIT: Final = 3  # records of an answer
_BEHIND_STUB: Final = "/run/systemd/resolve/resolv.conf"
_USES: Final = {"udp": "queries fail", "tcp": "answers that do not fit a datagram fail"}


# ------------ Upstreams ------------


def judge_upstream(upstream: Upstream, answers: Mapping[str, Answer], subject: Subject) -> Line:
    """Say how an upstream answers over each protocol; what the agent will not use may be silent."""
    check = f"upstream {upstream.place}"
    told = "; ".join(f"{protocol} {_spell(answer)}" for protocol, answer in answers.items())
    if upstream.place.address in subject.local and upstream.place.port == subject.port:
        hint = "a loop: what is forwarded comes back to us"
        return Line(check=check, verdict=Verdict.BAD, what=f"is our own; {told}", hint=hint)
    silent = [protocol for protocol, answer in answers.items() if answer.trouble]
    if len(silent) == len(answers):
        hint = "nothing is answered through it: is its address right, does a policy or firewall stop us?"
        return Line(check=check, verdict=Verdict.BAD, what=told, hint=hint)
    if silent:
        is_bad = any(upstream.needs[:1] == (protocol,) for protocol in silent)
        uses = " and ".join(f"without {protocol} {_USES[protocol]}" for protocol in silent)
        return Line(check=check, verdict=Verdict.BAD if is_bad else Verdict.WARN, what=told, hint=uses)
    refusing = {answer.rcode for answer in answers.values()} & {"REFUSED", "SERVFAIL"}
    slowest_ms = max(answer.took_ms for answer in answers.values())
    if refusing:
        hint = f"it answers, with {', '.join(sorted(refusing))}: does it serve us?"
        return Line(check=check, verdict=Verdict.WARN, what=told, hint=hint)
    if slowest_ms >= _SLOW_MS:
        return Line(check=check, verdict=Verdict.WARN, what=told, hint="slow: every miss waits for it")
    return Line(check=check, verdict=Verdict.OK, what=told)


def _spell(answer: Answer) -> str:
    """Say an answer shortly."""
    return answer.trouble or f"{answer.rcode} in {answer.took_ms:.1f} ms"


# ------------ resolv.conf ------------


def judge_resolv_conf(found: ResolvConf, subject: Subject) -> Line:
    """Say whether a resolv.conf leads back to us: queries would go round for ever."""
    check = found.path
    if found.nameservers is None:
        return Line(check=check, verdict=Verdict.SKIPPED, what="cannot be read")
    told = ", ".join(found.nameservers) or "no nameserver"
    ours = [address for address in found.nameservers if address in subject.local]
    if ours:
        hint = (
            "a loop: what is forwarded comes back to us; point the kubelet's `resolvConf` at a file of real upstreams"
        )
        return Line(check=check, verdict=Verdict.BAD, what=f"{told}: {', '.join(ours)} is our own", hint=hint)
    behind = [address for address in found.behind if address in subject.local]
    if behind:
        hint = "a loop through systemd-resolved: take our address out of its `DNS=`"
        what = f"{told}: a stub that asks us, {', '.join(behind)}"
        return Line(check=check, verdict=Verdict.BAD, what=what, hint=hint)
    stubs = [address for address in found.nameservers if ip_address(address).is_loopback]
    if stubs:
        hint = f"not reachable from pods; set the kubelet's `resolvConf` to {_BEHIND_STUB}, or name upstreams"
        return Line(check=check, verdict=Verdict.WARN, what=f"{told}: a stub on this node", hint=hint)
    if not found.nameservers:
        return Line(check=check, verdict=Verdict.WARN, what=told, hint="nothing outside the cluster can be asked")
    return Line(check=check, verdict=Verdict.OK, what=told)


# ------------ Answers, side by side ------------


def judge_answers(name: str, ours: Answer | None, theirs: Answer | None, subject: Subject) -> Line:
    """Compare what we say with what cluster DNS says; None: there is nobody to ask."""
    if ours is None or theirs is None:
        told = ["no agent of ours to ask" if ours is None else f"ours: {_tell(ours)}"]
        told += [f"cluster DNS: {_tell(theirs)}" if theirs else "no cluster DNS known"]
        hint = "" if theirs else "name it: `--cluster-dns`"
        verdict, what = Verdict.SKIPPED, "; ".join(told)
    elif ours.trouble or theirs.trouble:
        verdict, hint = _judge_silence(ours, theirs)
        what = f"ours: {_tell(ours)}; cluster DNS: {_tell(theirs)}"
    else:
        verdict, hint = _compare(ours, theirs, is_inside=is_within(name, subject.domain))
        times = f"ours {ours.took_ms:.1f} ms, cluster DNS {theirs.took_ms:.1f} ms"
        is_same = (ours.rcode, ours.records) == (theirs.rcode, theirs.records)
        what = f"both: {_tell(ours)}" if is_same else f"ours: {_tell(ours)}; cluster DNS: {_tell(theirs)}"
        what += f" ({times})"
    return Line(check=f"answer {name}", verdict=verdict, what=what, hint=hint)


def _judge_silence(ours: Answer, theirs: Answer) -> tuple[Verdict, str]:
    """Say how bad it is that one of the two, or both, did not answer."""
    if ours.trouble:
        hint = "nobody answers" if theirs.trouble else "the agent does not answer; cluster DNS does"
        return Verdict.BAD, hint
    return Verdict.WARN, "only the cache answers: it cannot do so for long"


def _compare(ours: Answer, theirs: Answer, *, is_inside: bool) -> tuple[Verdict, str]:
    """Compare two answers; outside the cluster different addresses are nothing strange."""
    if ours.rcode != theirs.rcode:
        is_bad = is_inside or ours.rcode in {"SERVFAIL", "REFUSED"}
        hint = "ask again: a new name is known here after at most the TTL of its denial"
        return Verdict.BAD if is_bad else Verdict.WARN, hint
    if ours.rcode in {"SERVFAIL", "REFUSED"}:
        return Verdict.WARN, "both fail: has cluster DNS somebody to ask for such names?"
    if is_inside and ours.records != theirs.records:
        return Verdict.WARN, "ask again: an older answer is given here for at most its TTL"
    return Verdict.OK, ""


def is_within(name: str, domain: str) -> bool:
    """Whether a name is the cluster's."""
    return f".{name.rstrip('.')}".lower().endswith("." + domain.rstrip(".").lower())


def _tell(answer: Answer) -> str:
    """Say what was answered."""
    more = ", ..." if len(answer.records) > _SHOWN_LIMIT else ""
    return answer.trouble or f"{answer.rcode} {', '.join(answer.records[:_SHOWN_LIMIT])}{more}".rstrip()


def places_to_compare(subject: Subject) -> tuple[Place | None, Place | None]:
    """Say whom to ask of us and of cluster DNS; what is ours is not cluster DNS."""
    ours = next((Place(address=address, port=subject.port) for address in subject.local), None)
    theirs = next((place for place in subject.cluster if place.address not in subject.local), None)
    return ours, theirs
