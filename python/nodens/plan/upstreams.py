"""TOs of `forward` -> upstreams, with the nameservers of resolv.conf files in their places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodens.plan.addresses import find_scope, host_port, is_link_local
from nodens.plan.model import UpstreamPlan

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from nodens.config import Config, ForwardRules, UpstreamWord
    from nodens.plan.facts import Facts, Nameserver
    from nodens.problems import Place, Problems

UPSTREAM_LIMIT = 15  # CoreDNS' own; a query that fails fifteen times will not be saved by the sixteenth
DNS_PORT = 53


def resolv_conf_paths(config: Config) -> tuple[str, ...]:
    """Give the files that a survey must read for this config, each once."""
    words = [word for server in config.servers for rules in server.forwards for word in rules.upstreams]
    return tuple(dict.fromkeys(word.path for word in words if word.path))


def upstream_plans(
    rules: ForwardRules, facts: Facts, ours: AbstractSet[tuple[str, int]], problems: Problems
) -> tuple[UpstreamPlan, ...]:
    """Give whom a forward asks, each once. `ours` are addresses and ports where we answer ourselves.

    A file that names nobody is no reason to stop: the forward answers SERVFAIL until it does.
    """
    found: dict[tuple[str, int, int], UpstreamPlan] = {}
    for word in rules.upstreams:
        for upstream in _of_word(word, facts, ours, problems):
            key = (upstream.address, upstream.scope_id, upstream.port)
            if key in found and not word.path:
                problems.warn(word.at, f"`{upstream.label}` is named already; asked once")
            elif key not in found and len(found) == UPSTREAM_LIMIT:
                problems.warn(word.at, f"more than {UPSTREAM_LIMIT} upstreams; `{upstream.label}` is left out")
            else:
                found.setdefault(key, upstream)
    if not found:
        problems.warn(rules.at, "`forward` has no upstream; its zone is answered SERVFAIL")
    return tuple(found.values())


def _of_word(
    word: UpstreamWord, facts: Facts, ours: AbstractSet[tuple[str, int]], problems: Problems
) -> list[UpstreamPlan]:
    """Give the upstreams that one word stands for."""
    if not word.path:
        upstream = _upstream((word.address, word.zone_id, word.port), facts)
        if upstream is None:
            problems.note(word.at, f"`{word.zone_id}` is not an interface of this node; expected one after the `%`")
        return [upstream] if upstream else []
    nameservers = facts.resolv_conf.get(word.path)
    if nameservers is None:
        problems.note(word.at, f"`{word.path}` cannot be read; expected a resolv.conf, or an IP address")
        return []
    if not nameservers:
        problems.warn(word.at, f"`{word.path}` names no nameserver")
    return [
        upstream
        for nameserver in nameservers
        if (upstream := _of_nameserver(nameserver, word.at, facts, problems))
        and _is_other(upstream, word, ours, problems)
    ]


def _of_nameserver(nameserver: Nameserver, at: Place, facts: Facts, problems: Problems) -> UpstreamPlan | None:
    """Give a nameserver as an upstream; one that cannot be reached from here is left out."""
    upstream = _upstream((nameserver.address, nameserver.zone_id, DNS_PORT), facts)
    if upstream is None:
        problems.warn(
            at, f"nameserver `{nameserver.address}%{nameserver.zone_id}` names no interface of this node; left out"
        )
    return upstream


def _is_other(
    upstream: UpstreamPlan, word: UpstreamWord, ours: AbstractSet[tuple[str, int]], problems: Problems
) -> bool:
    """Whether a nameserver is somebody else; asking ourselves would be a loop."""
    if (upstream.address, upstream.port) not in ours:
        return True
    problems.warn(
        word.at, f"nameserver `{upstream.address}` in `{word.path}` is ourselves; left out, it would be a loop"
    )
    return False


def _upstream(target: tuple[str, str, int], facts: Facts) -> UpstreamPlan | None:
    """Settle address, zone id and port; None if the zone id means nothing here."""
    address, zone_id, port = target
    scope_id = 0
    if zone_id and is_link_local(address):
        scope_id = find_scope(zone_id, facts)
        if not scope_id:
            return None
        return UpstreamPlan(
            address=address, scope_id=scope_id, port=port, label=host_port(f"{address}%{zone_id}", port)
        )
    return UpstreamPlan(address=address, scope_id=scope_id, port=port, label=host_port(address, port))
