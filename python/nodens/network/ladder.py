"""Which rung a node stands on: what was asked and what was found -> one decision and one line. Pure.

1  nft table that goes with its owner, gate that empties, tun link that goes with its holder
2  the same with a link that stays (dummy, or not ours)
3  nft table without an owner, gate that empties
4  iptables rules, gate that empties (ipset)
5  rules that stay until somebody removes them: the original's way
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from nodens.errors import NetworkError
from nodens.network.model import LetGo, LinkKind, Rung, Spelling, Step
from nodens.plan import LinkWish, SteeringWish

if TYPE_CHECKING:
    from nodens.network.probe import Kernel


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What was asked: the two kinds, whether link and rules are ours to set, and whether they are left at the end."""

    steering: SteeringWish = SteeringWish.AUTO
    link: LinkWish = LinkWish.AUTO
    sets_link: bool = True
    sets_rules: bool = True
    is_left: bool = False


_TOLD: Final = {
    (Spelling.NFT, LetGo.OWNER_AND_TIMEOUT): "an nft table that goes with its owner or when beats stop",
    (Spelling.NFT, LetGo.TIMEOUT): "an nft table whose gate empties when beats stop",
    (Spelling.NFT, LetGo.NOTHING): "an nft table that stays",
    (Spelling.IPTABLES, LetGo.TIMEOUT): "iptables rules whose gate empties when beats stop",
    (Spelling.IPTABLES, LetGo.NOTHING): "iptables rules that stay",
}


def choose(wishes: Wishes, kernel: Kernel) -> Rung:
    """Take the safest rung that was not forbidden and that this node has; NetworkError if there is none."""
    why_not: list[str] = []
    spelling, let_go = _choose_rules(wishes, kernel, why_not)
    kind = _choose_link(wishes, kernel, let_go, why_not)
    accepts = spelling is Spelling.NFT and kernel.drops and kernel.iptables is not None
    if spelling is Spelling.NFT and kernel.drops and kernel.iptables is None:
        why_not.append("INPUT or OUTPUT drops and there is no iptables to let DNS through")
    told = [
        _TOLD[spelling, let_go] if spelling else "no rules of ours",
        f"a {kind} link" if kind else "no link of ours",
        *(["ACCEPT through iptables, since INPUT or OUTPUT drops"] if accepts else []),
    ]
    return Rung(
        number=_number(spelling, let_go, kind),
        spelling=spelling,
        let_go=let_go,
        link=kind,
        accepts_by_iptables=accepts,
        reason=", ".join(told) + (f"; {'; '.join(why_not)}" if why_not else ""),
    )


def _choose_rules(wishes: Wishes, kernel: Kernel, why_not: list[str]) -> tuple[Spelling | None, LetGo]:
    """Choose the spelling of the rules and what takes them away."""
    if not wishes.sets_rules:
        return None, LetGo.NOTHING
    may_nft, may_iptables = (
        wishes.steering in (SteeringWish.AUTO, only) for only in (SteeringWish.NFT, SteeringWish.IPTABLES)
    )
    if wishes.is_left:
        # What is to stay when we leave must not go by itself: the original's rules, where the node has them.
        why_not.append("nothing that goes by itself: asked to leave it behind (-skipteardown)")
        may_nft = may_nft and (wishes.steering is SteeringWish.NFT or kernel.iptables is None)
        if may_nft and kernel.has_tables:
            return Spelling.NFT, LetGo.NOTHING
    elif may_nft and kernel.has_owned_tables:
        return Spelling.NFT, LetGo.OWNER_AND_TIMEOUT
    elif may_nft and kernel.has_tables:
        why_not.append("not owned: the kernel does not tie nft tables to an owner (Linux 5.12)")
        return Spelling.NFT, LetGo.TIMEOUT
    elif may_nft:
        why_not.append("not nft: the kernel refuses to make a table")
    else:
        why_not.append("not nft: asked for iptables")
    if may_iptables and kernel.iptables is not None:
        if kernel.has_ipset and not wishes.is_left:
            return Spelling.IPTABLES, LetGo.TIMEOUT
        if not wishes.is_left:
            why_not.append("no gate: iptables cannot match an ipset here")
        return Spelling.IPTABLES, LetGo.NOTHING
    why_not.append("no iptables program" if may_iptables else "iptables was not asked for")
    raise NetworkError(Step.STEER, f"-steering={wishes.steering}", "; ".join(why_not))


def _choose_link(wishes: Wishes, kernel: Kernel, let_go: LetGo, why_not: list[str]) -> LinkKind | None:
    """Choose the kind of link; one that goes by itself helps only where the rules do, too."""
    if not wishes.sets_link:
        return None
    if wishes.link is LinkWish.AUTO:
        first = LinkKind.DUMMY if let_go is LetGo.NOTHING else LinkKind.TUN
        second = LinkKind.TUN if first is LinkKind.DUMMY else LinkKind.DUMMY
    else:
        first = second = LinkKind(wishes.link)
        if first is LinkKind.DUMMY and let_go is not LetGo.NOTHING:
            why_not.append("not tun: asked for dummy")
    for kind in (first, second):
        if not kernel.lacks(kind):
            return kind
        why_not.append(f"not {kind}: {kernel.lacks(kind)}")
    raise NetworkError(Step.ADD_LINK, f"-interfacekind={wishes.link}", "; ".join(dict.fromkeys(why_not)))


def _number(spelling: Spelling | None, let_go: LetGo, kind: LinkKind | None) -> int:
    """Number the rung, 1 is the safest; 0 where no rules are ours to set."""
    if spelling is None:
        return 0
    if let_go is LetGo.OWNER_AND_TIMEOUT:
        return 1 if kind is LinkKind.TUN else 2
    if let_go is LetGo.TIMEOUT:
        return 3 if spelling is Spelling.NFT else 4
    return 5
