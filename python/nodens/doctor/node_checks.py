"""Verdicts on the node itself: rights, kernel, rung, left-overs, connection tracking. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nodens import network
from nodens.doctor.model import Line, Rights, Subject, Unseen, Verdict
from nodens.errors import NetworkError
from nodens.network import LinkKind

if TYPE_CHECKING:
    from nodens.network import Conntrack, Kernel, Release, Wishes

_NEEDED_FOR: Final = {
    "NET_ADMIN": "no rung can be stood on",
    "NET_BIND_SERVICE": "port {port} cannot be served",
    "NET_RAW": "no rung 4 (iptables opens a raw socket for a rule that names an ipset), and no iptables-legacy",
}
_ADD_HINT: Final = "add it under `securityContext.capabilities.add` of the container"
_ROOT_HINT: Final = "this is about the process that asks: run the doctor as root, or in the agent's pod"
_RUNG_HINTS: Final = {
    2: "the link outlives a dead agent: give the pod /dev/net/tun, so that it goes with the agent",
    3: "rules outlive a dead agent by 2 s; from Linux 5.12 on they go with it at once",
    4: "rules outlive a dead agent by 2 s; with nft tables (`-steering auto`) they go with it at once",
    5: "rules outlive a dead agent until `nodens release`: ipset, or nft from Linux 5.12 on, would let the node go",
}
_LIVES: Final = ("a living process", "its owner lives", "rules of a living process")
_OUTLIVES_HINT: Final = (
    "when the agent dies they keep pods from cluster DNS: does a node-cache run beside it, too? When it has gone, the "
    "agent removes them at its next `-syncinterval`"
)
_PERHAPS_HINT: Final = "who has the port is told below; if it is no agent: `nodens release --force`"
_FULL_HINT: Final = "when it is full, packets are dropped: raise net.netfilter.nf_conntrack_max"
_FULL: Final = 0.95
_FILLING: Final = 0.75


def needs_raw_socket(kernel: Kernel | Unseen, wishes: Wishes) -> bool:
    """Whether iptables is what steers here (rungs 4 and 5), or is the legacy one: both speak through a raw socket."""
    if isinstance(kernel, Unseen):
        return False
    if kernel.iptables and kernel.iptables.flavour == "legacy":
        return True
    try:
        return network.choose(wishes, kernel).spelling is network.Spelling.IPTABLES
    except NetworkError:
        return False


def judge_rights(found: Rights | Unseen, subject: Subject, *, needs_raw: bool = False) -> Line:
    """Say which capabilities are missing, and for what."""
    check = "capabilities"
    if isinstance(found, Unseen):
        return Line(check=check, verdict=Verdict.SKIPPED, what=found.why)
    needed = [
        name
        for name in found.lacking
        if (name == "NET_ADMIN" and subject.is_steered)
        or (name == "NET_BIND_SERVICE" and 0 < subject.port < found.first_free_port)
        or (name == "NET_RAW" and needs_raw and subject.is_steered and "NET_ADMIN" not in found.lacking)
    ]
    if not needed:
        unneeded = f"; CAP_{', CAP_'.join(found.lacking)} missing and not needed" if found.lacking else ""
        return Line(check=check, verdict=Verdict.OK, what=f"all there that are needed{unneeded}")
    told = [f"no CAP_{name}: {_NEEDED_FOR[name].format(port=subject.port)}" for name in needed]
    is_bad = subject.is_in_pod and needed != ["NET_RAW"]
    return Line(
        check=check,
        verdict=Verdict.BAD if is_bad else Verdict.WARN,
        what="; ".join(told),
        hint=_ADD_HINT if subject.is_in_pod else _ROOT_HINT,
    )


def judge_kernel(found: Kernel | Unseen, rights: Rights | Unseen) -> Line:
    """Say what the kernel and its tools can do, with the rungs that need it."""
    check = "kernel"
    if isinstance(found, Unseen):
        return Line(check=check, verdict=Verdict.SKIPPED, what=found.why)
    if isinstance(rights, Rights) and "NET_ADMIN" in rights.lacking:
        return Line(check=check, verdict=Verdict.SKIPPED, what="without CAP_NET_ADMIN nothing can be tried")
    iptables = f"iptables ({found.iptables.flavour or 'plain'})" if found.iptables else "iptables"
    features = (
        ("owned nft tables (rungs 1, 2)", found.has_owned_tables),
        ("nft tables (3)", found.has_tables),
        ("ipset (4)", found.has_ipset),
        (f"{iptables} (4, 5)", found.iptables is not None),
        ("tun (1)", not found.no_tun),
        ("dummy (2, 5)", not found.no_dummy),
    )
    there = ", ".join(name for name, is_there in features if is_there) or "nothing"
    missing = ", ".join(name for name, is_there in features if not is_there)
    reasons = "; ".join(found.lacks(kind) for kind in LinkKind if found.lacks(kind))
    return Line(
        check=check,
        verdict=Verdict.OK if found.has_owned_tables and not found.no_tun else Verdict.WARN,
        what=there + (f"; missing: {missing}" if missing else "") + (f" ({reasons})" if reasons else ""),
    )


def judge_rung(found: Kernel | Unseen, wishes: Wishes, rights: Rights | Unseen) -> Line:
    """Say which rung would be taken now, by the agent's own decision."""
    check = "rung"
    if not wishes.sets_rules:
        return Line(check=check, verdict=Verdict.SKIPPED, what="steering is not asked for")
    if isinstance(found, Unseen):
        return Line(check=check, verdict=Verdict.SKIPPED, what=found.why)
    if isinstance(rights, Rights) and "NET_ADMIN" in rights.lacking:
        return Line(check=check, verdict=Verdict.SKIPPED, what="without CAP_NET_ADMIN nothing can be tried")
    try:
        rung = network.choose(wishes, found)
    except NetworkError as error:
        hint = "an agent cannot steer here: see the lines `capabilities` and `kernel`"
        return Line(check=check, verdict=Verdict.BAD, what=str(error), hint=hint)
    return Line(
        check=check,
        verdict=Verdict.OK if rung.number <= 1 else Verdict.WARN,
        what=str(rung),
        hint=_RUNG_HINTS.get(rung.number, ""),
    )


def judge_traces(found: Release | Unseen) -> tuple[Line, ...]:
    """Say what dead agents left; what living ones hold is well."""
    check = "left-overs"
    if isinstance(found, Unseen):
        return (Line(check=check, verdict=Verdict.SKIPPED, what=found.why),)
    lines = [_judge_trace(trace) for trace in found.found]
    lines += [Line(check=check, verdict=Verdict.SKIPPED, what=str(trouble)) for trouble in found.troubles]
    if not any(line.check == check for line in lines):
        lines.append(Line(check=check, verdict=Verdict.OK, what="none"))
    return tuple(lines)


def _judge_trace(trace: network.Found) -> Line:
    """Judge one trace."""
    if not trace.kept:
        hint = "`nodens release` removes it; till then it may capture the node's DNS"
        what = f"{trace.what}: no living agent's"
        return Line(check="left-overs", verdict=Verdict.BAD, what=what, hint=hint)
    what = f"{trace.what}: {trace.kept}"
    if trace.outlives:
        what = f"{trace.what}: beside an agent whose own let go when it dies; these do not"
        return Line(check="left-overs", verdict=Verdict.BAD, what=what, hint=_OUTLIVES_HINT)
    if trace.kept.startswith("some process"):
        return Line(check="left-overs", verdict=Verdict.WARN, what=what, hint=_PERHAPS_HINT)
    if trace.kept.startswith(_LIVES):
        return Line(check="in use", verdict=Verdict.OK, what=what)
    hint = "not made by an agent: `nodens release` leaves it alone; remove it by hand"
    return Line(check="left-overs", verdict=Verdict.WARN, what=what, hint=hint)


def judge_conntrack(found: Conntrack | Unseen) -> Line:
    """Say how full the connection tracker is."""
    check = "conntrack"
    if isinstance(found, Unseen):
        return Line(check=check, verdict=Verdict.SKIPPED, what=found.why)
    if not found.limit:
        return Line(check=check, verdict=Verdict.OK, what=f"{found.count} entries, no limit")
    share = found.count / found.limit
    verdict = Verdict.BAD if share >= _FULL else Verdict.WARN if share >= _FILLING else Verdict.OK
    return Line(
        check=check,
        verdict=verdict,
        what=f"{found.count} of {found.limit} entries ({share:.0%})",
        hint="" if verdict is Verdict.OK else _FULL_HINT,
    )
