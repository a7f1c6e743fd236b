"""Plan x Plan -> Change: what is different, by the names that people wrote, and whether it needs a new process.

How a directive may change stands in the directive table; the few settings that no directive sets stand here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nodens.config import DIRECTIVES, RunTime

if TYPE_CHECKING:
    from nodens.plan.model import BlockPlan, ListenerPlan, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What must happen to get from one plan to another.

    `parts` are names for the log (`changed=cache,forward`); `restart_reasons` is empty if the change can be made while
    serving. Listeners that stay keep their sockets. `*_own` and `*_borrowed` are addresses that come and go.
    """

    parts: tuple[str, ...] = ()
    restart_reasons: tuple[str, ...] = ()
    new_listeners: tuple[ListenerPlan, ...] = ()
    old_listeners: tuple[ListenerPlan, ...] = ()
    new_own: tuple[str, ...] = ()
    old_own: tuple[str, ...] = ()
    new_borrowed: tuple[str, ...] = ()
    old_borrowed: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether both plans are the same."""
        return not self.parts

    @property
    def needs_restart(self) -> bool:
        """Whether only a new process can take it up."""
        return bool(self.restart_reasons)


# A look at one thing. A mapping is compared by the keys that both plans have: what comes with a new block or listener
# is told by `zones` or `bind` alone.
View = Callable[["Plan"], object]


def _of_blocks(pick: Callable[[BlockPlan], object]) -> View:
    """Look at one thing in every block, by the block's name."""
    return lambda plan: {block.name: pick(block) for block in plan.engine.blocks}


def _sockets(plan: Plan) -> object:
    """Look at what has to be bound."""
    return {_socket(listener) for listener in plan.engine.listeners}


def _zones(plan: Plan) -> object:
    """Look at who serves which zone where; blocks by name, since their order means nothing."""
    names = [block.name for block in plan.engine.blocks]
    return {
        listener.label: {zone.name: names[zone.block] for zone in listener.zones} for listener in plan.engine.listeners
    }


def _timeouts(plan: Plan) -> object:
    """Look at the bounds of clients' TCP connections."""
    bounds: dict[str, object] = {
        listener.label: (listener.tcp_read_timeout_ms, listener.tcp_idle_timeout_ms, listener.tcp_write_timeout_ms)
        for listener in plan.engine.listeners
    }
    return bounds | {"queries": plan.engine.max_queries_per_connection}


def _connections(plan: Plan) -> object:
    """Look at how many clients' TCP connections there may be."""
    return plan.engine.max_tcp_connections, plan.engine.max_tcp_connections_per_client


# Directive -> the parts of a plan that it decides.
_DIRECTIVE_VIEWS: dict[str, View] = {
    "bind": _sockets,
    "bufsize": _of_blocks(lambda block: block.udp_size_limit),
    "cache": _of_blocks(lambda block: (block.cache, block.zones_label)),
    "debug": lambda plan: plan.observe.is_debug,
    "errors": _of_blocks(lambda block: block.errors),
    "forward": _of_blocks(lambda block: block.forwards),
    "health": lambda plan: (plan.observe.health, plan.observe.lameduck_ms),
    "log": _of_blocks(lambda block: block.log),
    "loop": _of_blocks(lambda block: block.loop_zone),
    "prometheus": lambda plan: (
        {"": plan.observe.metrics} | {block.name: block.has_metrics for block in plan.engine.blocks}
    ),
    "ready": lambda plan: plan.observe.ready,
    "reload": lambda plan: plan.reload,
    "timeouts": _timeouts,
}

# Settings without a directive: name, what it decides, how it may change.
_OTHER_VIEWS: tuple[tuple[str, View, RunTime], ...] = (
    ("zones", _zones, RunTime.LIVE),
    ("addresses", lambda plan: (plan.network.own_addresses, plan.network.borrowed_addresses), RunTime.REBIND),
    ("steering", lambda plan: replace(plan.network, own_addresses=(), borrowed_addresses=()), RunTime.RESTART),
    ("memory", lambda plan: plan.engine.memory_limit_bytes, RunTime.LIVE),
    ("connections", _connections, RunTime.LIVE),
    ("workers", lambda plan: plan.engine.workers, RunTime.RESTART),
)


def change(running: Plan, wanted: Plan) -> Change:
    """Say what is different and what follows from it."""
    views = [(name, view, DIRECTIVES[name].change) for name, view in _DIRECTIVE_VIEWS.items()]
    different = [
        (name, view, how) for name, view, how in [*views, *_OTHER_VIEWS] if _is_different(view(running), view(wanted))
    ]
    parts = [name for name, _, _ in different]
    if not parts and running != wanted:
        parts = ["order"]  # the same blocks and listeners stand in another order
    before = {_socket(listener): listener for listener in running.engine.listeners}
    after = {_socket(listener): listener for listener in wanted.engine.listeners}
    own, borrowed = (
        (getattr(running.network, field), getattr(wanted.network, field))
        for field in ("own_addresses", "borrowed_addresses")
    )
    return Change(
        parts=tuple(parts),
        restart_reasons=tuple(
            f"`{name}` changes from {view(running)} to {view(wanted)}; only a restart takes it up"
            for name, view, how in different
            if how is RunTime.RESTART
        ),
        new_listeners=tuple(listener for key, listener in after.items() if key not in before),
        old_listeners=tuple(listener for key, listener in before.items() if key not in after),
        new_own=_without(own[1], own[0]),
        old_own=_without(own[0], own[1]),
        new_borrowed=_without(borrowed[1], borrowed[0]),
        old_borrowed=_without(borrowed[0], borrowed[1]),
    )


def _socket(listener: ListenerPlan) -> ListenerPlan:
    """Give what a listener's sockets depend on: itself without what is only looked at per query."""
    return replace(listener, label="", zones=(), tcp_read_timeout_ms=1, tcp_idle_timeout_ms=1, tcp_write_timeout_ms=1)


def _is_different(before: object, after: object) -> bool:
    """Compare two views."""
    if isinstance(before, dict) and isinstance(after, dict):
        return any(before[key] != after[key] for key in before.keys() & after.keys())
    return before != after


def _without(these: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    """Give these but the others, in order."""
    return tuple(each for each in these if each not in others)
