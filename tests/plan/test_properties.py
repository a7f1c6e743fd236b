"""What holds for any config: a plan or problems, never an exception; the same plan twice; a change leads over."""

from __future__ import annotations

import types
from dataclasses import fields, replace
from typing import Any, get_args, get_origin, get_type_hints

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from nodens import plan
from nodens.config import Config, Endpoint, Scheme, Server, ZoneKey
from nodens.plan import Facts, Interface, Nameserver, Plan
from nodens.plan.ranges import find_breaches
from nodens.problems import Place, Problems

ZONES = some.sampled_from([".", "a.", "b.a.", "c.b.a.", "0.10.in-addr.arpa."])
WORDS = some.sampled_from(["127.0.0.1", "::1", "10.0.0.7", "eth0", "0.0.0.0", "::", "fe80::7", "fe80::7%eth0"])
ANY_KEY = ZoneKey(scheme=Scheme.DNS, zone=".", port=None, at=Place(file="any", line=1, column=1))
STRANGE_TEXT = some.text(max_size=4) | some.just("\\")
STRANGE_NUMBER = some.sampled_from([-1, 0, 2**31, 2**64]) | some.integers()

# Values as the readers give them, by the name of the field; the strange ones come on top.
LIKELY: dict[str, some.SearchStrategy[Any]] = {
    "zone": ZONES,
    "health_domain": ZONES,
    "port": some.sampled_from([53, 54, 9253]),
    "capacity": some.integers(0, 2**24),
    "percent": some.integers(10, 90),
    "window_s": some.integers(0, 2**32 - 1),
    "recheck_ms": some.integers(0, 300_000),
    "servfail_ms": some.integers(0, 300_000),
    "udp_size_limit": some.none() | some.integers(512, 4096),
    "address": some.sampled_from(["1.1.1.1", "10.0.0.7", "fe80::9", ""]),
    "zone_id": some.sampled_from(["", "eth0", "2"]),
    "source_address": some.sampled_from(["", "10.0.0.7"]),
    "path": some.sampled_from(["", "/etc/resolv.conf", "/none", "/loop"]),
    "host": some.sampled_from(["", "127.0.0.1"]),
}
# Closed sets of words: the readers give nothing else, and the type of the field says so in words alone.
CLOSED: dict[str, some.SearchStrategy[Any]] = {
    "policy": some.sampled_from(["random", "round_robin", "sequential"]),
    "classes": some.lists(some.sampled_from(["all", "success", "denial", "error"]), min_size=1).map(tuple),
    "level": some.sampled_from(["warning", "error", "info", "debug"]),
    "scheme": some.just(Scheme.DNS),
    "places": some.just(()),
}
ZONE_LISTS = {"zones", "except_zones", "success_disabled_zones", "denial_disabled_zones"}


def any_value(name: str, hint: object, *, is_strange: bool) -> some.SearchStrategy[Any]:
    """Give values for a field: likely ones, and with `is_strange` also any of its type."""
    if name in CLOSED:
        return CLOSED[name]
    if name in LIKELY:
        strange = STRANGE_TEXT if hint is str else STRANGE_NUMBER
        return LIKELY[name] | strange if is_strange else LIKELY[name]
    if get_origin(hint) is types.UnionType:
        return some.one_of(*(any_value(name, each, is_strange=is_strange) for each in get_args(hint)))
    if get_origin(hint) is tuple:
        inner = ZONES if name in ZONE_LISTS else any_value("", get_args(hint)[0], is_strange=is_strange)
        return some.lists(inner, max_size=3).map(tuple)
    plain: dict[Any, some.SearchStrategy[Any]] = {
        int: (some.integers(1, 4095) | STRANGE_NUMBER) if is_strange else some.integers(1, 4095),
        str: (WORDS | STRANGE_TEXT) if is_strange else WORDS,
        bool: some.booleans(),
        type(None): some.none(),
        Place: some.builds(Place, file=some.just("any"), line=some.integers(1, 9), column=some.just(1)),
    }
    if hint in plain:
        return plain[hint]
    assert isinstance(hint, type)
    return any_of(hint, is_strange=is_strange)


def any_of(kind: type, *, is_strange: bool) -> some.SearchStrategy[Any]:
    """Build a dataclass with every field drawn."""
    hints = get_type_hints(kind)
    return some.builds(
        kind, **{each.name: any_value(each.name, hints[each.name], is_strange=is_strange) for each in fields(kind)}
    )


def tidy(server: Server, number: int) -> Server:
    """Give each block zones and each kind of service a port of its own, so that most drawn configs can be served."""
    return replace(
        server,
        keys=tuple(
            replace(key, zone=f"z{number}.{key.zone.lstrip('.')}" if index else f"z{number}.", port=54 + index)
            for index, key in enumerate(server.keys or (ANY_KEY,))
        ),
        bind=replace(server.bind, except_words=()) if server.bind and server.bind.words else None,
        forwards=tuple(
            replace(
                rules,
                upstreams=tuple(replace(word, address="" if word.path else "9.8.7.6") for word in rules.upstreams),
            )
            for rules in server.forwards
        ),
        health=server.health and replace(server.health, endpoint=Endpoint(host="", port=8080)),
        ready=server.ready and replace(server.ready, endpoint=Endpoint(host="", port=8181)),
        prometheus=server.prometheus and Endpoint(host="", port=9253),
    )


def configs(*, is_strange: bool) -> some.SearchStrategy[Config]:
    servers = some.lists(any_of(Server, is_strange=is_strange), min_size=0 if is_strange else 1, max_size=3)
    if is_strange:
        return servers.map(lambda each: Config(servers=tuple(each)))
    return servers.map(lambda each: Config(servers=tuple(tidy(server, number) for number, server in enumerate(each))))


FACTS = some.builds(
    Facts,
    interfaces=some.just(
        (Interface(name="eth0", index=2, addresses=("10.0.0.7", "fe80::7")), Interface(name="lo", index=1))
    ),
    has_ipv4=some.booleans(),
    has_ipv6=some.booleans(),
    cores=some.integers(1, 256),
    memory_limit_bytes=some.none() | some.sampled_from([0, 2**27, 2**50]),
    file_limit=some.none() | some.sampled_from([0, 256, 2**20]),
    resolv_conf=some.just({
        "/etc/resolv.conf": tuple(Nameserver(address=f"9.9.9.{number}") for number in range(20)),
        "/none": (),
        "/loop": (Nameserver(address="10.0.0.7"), Nameserver(address="fe80::1", zone_id="eth0")),
    }),
    workers_wish=some.none() | some.sampled_from([1, 64]),
    memory_budget_wish_bytes=some.none() | some.sampled_from([2**22, 2**30]),
    wishes_freebind=some.booleans(),
)  # fmt: skip
SLOW = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def compile_any(asked: Config, facts: Facts) -> tuple[Plan | None, Problems]:
    problems = Problems()
    return plan.compile_plan(asked, facts, problems), problems


@SLOW
@given(asked=configs(is_strange=True) | configs(is_strange=False), facts=FACTS)
def test_any_config_gives_a_plan_or_problems_and_never_an_exception(asked: Config, facts: Facts) -> None:
    found, problems = compile_any(asked, facts)
    assert (found is None) == problems.are_fatal
    if found is None:
        return
    assert list(find_breaches(found.engine)) == []
    assert compile_any(asked, facts)[0] == found
    assert plan.change(found, found).is_empty
    assert list(plan.explain(found))
    for listener in found.engine.listeners:
        names = [zone.name for zone in listener.zones]
        assert len(names) == len(set(names)) > 0
        assert listener.label.startswith("dns://")
    for block in found.engine.blocks:
        assert all(len(forward.upstreams) <= 15 for forward in block.forwards)


@SLOW
@given(running=configs(is_strange=False), wanted=configs(is_strange=False), facts=FACTS)
def test_a_change_leads_from_one_plan_to_the_other(running: Config, wanted: Config, facts: Facts) -> None:
    before, after = compile_any(running, facts)[0], compile_any(wanted, facts)[0]
    if before is None or after is None:
        return
    change = plan.change(before, after)
    assert change.is_empty == (before == after)
    assert not change.needs_restart  # one node, one number of workers

    def sockets(found: Plan) -> set[tuple[str, int, int, bool, bool]]:
        return {
            (each.address, each.scope_id, each.port, each.is_dual_stack, each.is_freebind)
            for each in found.engine.listeners
        }

    def named(listeners: tuple[plan.ListenerPlan, ...]) -> set[tuple[str, int, int, bool, bool]]:
        return {(each.address, each.scope_id, each.port, each.is_dual_stack, each.is_freebind) for each in listeners}

    assert (sockets(before) - named(change.old_listeners)) | named(change.new_listeners) == sockets(after)
    back = plan.change(after, before)
    assert named(back.new_listeners) == named(change.old_listeners)
    assert set(back.parts) == set(change.parts)
