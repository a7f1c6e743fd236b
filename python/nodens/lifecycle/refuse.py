"""What would stop us later, found before anything on the node has changed: ports, capabilities, no rung to stand on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from nodens import network
from nodens.errors import BindError, NetworkError
from nodens.lifecycle import words
from nodens.plan import SteeringWish

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nodens.network import Capability, Rung
    from nodens.plan import ListenerPlan, NetworkPlan, Plan

_NO_RULES: Final = "*filter\nCOMMIT\n"
_ADD_HINT: Final = "add it under `securityContext.capabilities.add` of the container"


def refuse_taken_ports(listeners: Iterable[ListenerPlan]) -> None:
    """Raise BindError, with the holder's name, for the first address that somebody else serves on."""
    for listener in listeners:
        taken = network.find_taken(listener.address, listener.port)
        if taken and f"(pid {os.getpid()}," not in taken[2]:
            protocol, number, why = taken
            raise BindError(f"{words.spell(listener.address, listener.port)}/{protocol}", number, why)


def refuse_without_capabilities(plan: Plan) -> None:
    """Raise NetworkError that names the first capability that we need and do not have."""
    free = network.first_free_port()
    privileged = [listener.port for listener in plan.engine.listeners if 0 < listener.port < free]
    if privileged:
        _need(network.Capability.NET_BIND_SERVICE, f"serve port {privileged[0]}")
    if not plan.network.is_idle:
        _need(network.Capability.NET_ADMIN, "set up link and rules")


def choose_rung(plan: NetworkPlan) -> Rung:
    """Try what this node has, and take the safest rung that was not forbidden. Raises NetworkError if there is none."""
    wishes = network.Wishes(
        steering=plan.steering,
        link=plan.link,
        sets_link=plan.sets_link,
        sets_rules=plan.sets_rules,
        is_left=plan.is_left,
    )
    families = sorted({6 if ":" in address else 4 for address in (*plan.own_addresses, *plan.borrowed_addresses)})
    kernel = network.probe(
        families,
        wants_iptables=plan.steering is SteeringWish.IPTABLES,
        link_name=plan.link_name,
        port=plan.port,
    )
    rung = network.choose(wishes, kernel)
    if kernel.iptables and (rung.spelling is network.Spelling.IPTABLES or rung.accepts_by_iptables):
        for family in families:
            kernel.iptables.restore(family, _NO_RULES)  # a lock that cannot be had, a capability that is missing
    return rung


def _need(capability: Capability, what: str) -> None:
    """Raise NetworkError if it is not there."""
    if network.lacking([capability]):
        raise NetworkError(what, "process", f"it has no capability CAP_{capability.name}\nhint: {_ADD_HINT}")
