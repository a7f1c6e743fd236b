"""What a node decides, from what a person asked for and what is true here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from nodens.plan import EnginePlan, Facts, LogClass, Plan, PluginEnabled, ReloadPlan, Transport, ZonePlan

Decide = Callable[..., Plan]
Compile = Callable[..., Any]
MIB = 2**20


def labels(plan: Plan) -> list[str]:
    return [listener.label for listener in plan.engine.listeners]


# ------------ where we listen ------------


@pytest.mark.parametrize(
    ("bind", "expected"),
    [
        pytest.param("", ["dns://:53"], id="no bind is all addresses"),
        pytest.param("bind 10.0.0.7", ["dns://10.0.0.7:53"], id="an address"),
        pytest.param("bind ::1", ["dns://[::1]:53"], id="IPv6 gets brackets"),
        pytest.param("bind 10.9.9.9", ["dns://10.9.9.9:53"], id="an address that is not here yet"),
        pytest.param("bind eth0", ["dns://10.0.0.7:53", "dns://[fe80::7%eth0]:53"], id="an interface is its addresses"),
        pytest.param("bind eth1 {\nexcept 10.0.1.8 fe80::8\n}", ["dns://10.0.1.7:53"], id="but those left out"),
        pytest.param(
            "bind eth1 eth0 {\nexcept eth1\n}",
            ["dns://10.0.0.7:53", "dns://[fe80::7%eth0]:53"],
            id="a whole interface left out",
        ),
        pytest.param("bind fe80::7", ["dns://[fe80::7%eth0]:53"], id="a link-local address finds its interface"),
        pytest.param("bind fe80::99%eth1", ["dns://[fe80::99%eth1]:53"], id="or names it"),
        pytest.param("bind 0.0.0.0", ["dns://0.0.0.0:53"], id="all of IPv4"),
    ],
)
def test_bind_gives_listeners(bind: str, expected: list[str], decided: Decide) -> None:
    assert labels(decided(f".:53 {{\n{bind}\nforward . 1.1.1.1\n}}")) == expected


@pytest.mark.parametrize(
    ("bind", "problem"),
    [
        pytest.param(
            "bind eth7", "`eth7` is neither an IP address nor an interface of this node", id="no such interface"
        ),
        pytest.param(
            "bind fe80::99",
            "`fe80::99` is link-local; expected it with an interface, such as `fe80::99%eth0`",
            id="no interface",
        ),
        pytest.param(
            "bind fe80::7%wlan0",
            "`fe80::7%wlan0` is link-local; expected it with an interface, such as `fe80::7%eth0`",
            id="an interface that is not here",
        ),
        pytest.param(
            "bind ::1%lo", "`::1%lo` names an interface; only link-local addresses take one", id="an interface too much"
        ),
        pytest.param(
            "bind lo {\nexcept lo\n}", "no address is left to listen on; expected at least one", id="nothing left"
        ),
        pytest.param(
            "bind down", "no address is left to listen on; expected at least one", id="an interface without address"
        ),
    ],
)
def test_bind_is_refused(bind: str, problem: str, compiled: Compile) -> None:
    found = compiled(f".:53 {{\n{bind}\nforward . 1.1.1.1\n}}")
    assert found.plan is None
    assert problem in found.whats


def test_an_address_named_twice_is_taken_once_with_a_warning(compiled: Compile) -> None:
    found = compiled(".:53 {\nbind 10.0.0.7 eth0 10.0.0.7\nforward . 1.1.1.1\n}")
    assert labels(found.plan) == ["dns://10.0.0.7:53", "dns://[fe80::7%eth0]:53"]
    assert found.whats == ["`10.0.0.7` is bound already in this block; taken once"] * 2
    assert not found.problems.are_fatal


@pytest.mark.parametrize(
    ("change", "address", "is_dual_stack"),
    [
        pytest.param({}, "::", True, id="both families"),
        pytest.param({"has_ipv6": False}, "0.0.0.0", False, id="no IPv6"),
        pytest.param({"has_ipv4": False}, "::", False, id="no IPv4"),
    ],
)
def test_listening_everywhere_follows_the_families_of_the_node(
    change: dict[str, Any], address: str, *, is_dual_stack: bool, decided: Decide, node: Facts
) -> None:
    listener = decided(". {\nforward . 1.1.1.1\n}", replace(node, **change)).engine.listeners[0]
    assert (listener.address, listener.is_dual_stack, listener.label) == (address, is_dual_stack, "dns://:53")


def test_all_of_ipv6_is_not_dual_stack_beside_all_of_ipv4(decided: Decide) -> None:
    plan = decided(". {\nbind 0.0.0.0 ::\nforward . 1.1.1.1\n}")
    assert [(listener.address, listener.is_dual_stack) for listener in plan.engine.listeners] == [
        ("0.0.0.0", False),
        ("::", False),
    ]


def test_only_addresses_that_we_hold_are_bound_before_they_exist(decided: Decide, node: Facts) -> None:
    facts = replace(node, wishes_freebind=True, own_addresses=("169.254.20.10",), borrowed_addresses=("10.96.0.10",))
    plan = decided(". {\nbind 169.254.20.10 10.96.0.10 10.0.0.7\nforward . 1.1.1.1\n}", facts)
    assert [listener.is_freebind for listener in plan.engine.listeners] == [True, True, False]
    assert plan.network.own_addresses == ("169.254.20.10",)


def test_a_zone_without_port_takes_the_port_of_the_flag(decided: Decide, node: Facts) -> None:
    assert labels(decided(". {\nforward . 1.1.1.1\n}", replace(node, default_port=1053))) == ["dns://:1053"]


# ------------ who serves what ------------


def test_blocks_on_one_address_share_its_listener(decided: Decide) -> None:
    plan = decided("b a:53 {\nforward . 1.1.1.1\n}\n. {\nforward . 1.1.1.1\n}\nc:54 {\nforward . 1.1.1.1\n}")
    first, second = plan.engine.listeners
    assert first.zones == (ZonePlan(name="b.", block=0), ZonePlan(name="a.", block=0), ZonePlan(name=".", block=1))
    assert second.zones == (ZonePlan(name="c.", block=2),)
    assert [block.name for block in plan.engine.blocks] == ["b.:53,a.:53", ".:53", "c.:54"]


def test_blocks_with_the_same_keys_on_other_addresses_have_names_of_their_own(decided: Decide) -> None:
    plan = decided(". {\nbind ::1\nforward . 1.1.1.1\n}\n. {\nbind 127.0.0.1\nforward . 1.1.1.1\n}")
    assert [block.name for block in plan.engine.blocks] == [".:53", ".:53 on 127.0.0.1"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(
            "a {\nforward . 1.1.1.1\n}\nA:53 {\nforward . 1.1.1.1\n}",
            "`a.` is served already at port 53, by Corefile:1:1",
            id="twice, unbound",
        ),
        pytest.param(
            "a a {\nforward . 1.1.1.1\n}", "`a.` is served already at port 53, by Corefile:1:1", id="twice in one block"
        ),
        pytest.param(
            "a {\nbind lo\nforward . 1.1.1.1\n}\na {\nbind ::1\nforward . 1.1.1.1\n}",
            "`a.` is served already at port 53 on ::1, by Corefile:1:1",
            id="twice on one address",
        ),
        pytest.param(
            "a {\nbind lo\nforward . 1.1.1.1\n}\na {\nforward . 1.1.1.1\n}",
            "`a.` at port 53 is served on some addresses here, and on all by Corefile:5:1; "
            "expected `bind` in both blocks or in neither",
            id="bound and unbound",
        ),
        pytest.param(
            "10.0.0.0/23 {\nforward . 1.1.1.1\n}\n10.0.1.0/24 {\nforward . 1.1.1.1\n}",
            "`1.0.10.in-addr.arpa.` is served already at port 53, by Corefile:1:1",
            id="two CIDRs that overlap",
        ),
    ],
)
def test_a_zone_is_served_once_on_an_address(text: str, problem: str, compiled: Compile) -> None:
    found = compiled(text)
    assert found.plan is None
    assert problem in found.whats


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "a {\nbind ::1\nforward . 1.1.1.1\n}\na {\nbind 127.0.0.1\nforward . 1.1.1.1\n}", id="other addresses"
        ),
        pytest.param("a:1 {\nforward . 1.1.1.1\n}\na:2 {\nforward . 1.1.1.1\n}", id="other ports"),
        pytest.param("a {\nbind ::1\nforward . 1.1.1.1\n}\nb {\nforward . 1.1.1.1\n}", id="other zones"),
    ],
)
def test_a_zone_may_be_served_again_elsewhere(text: str, decided: Decide) -> None:
    decided(text)


def test_the_last_timeouts_on_a_shared_address_count(decided: Decide) -> None:
    plan = decided(
        "a {\ntimeouts {\nread 1s\nmaxtcpqueries 9\n}\nforward . 1.1.1.1\n}\n"
        "b {\ntimeouts {\nidle 2s\nmaxtcpqueries 5\n}\nforward . 1.1.1.1\n}\nc {\nforward . 1.1.1.1\n}"
    )
    listener = plan.engine.listeners[0]
    assert (listener.tcp_read_timeout_ms, listener.tcp_idle_timeout_ms) == (3_000, 2_000)
    assert plan.engine.max_queries_per_connection == 5


# ------------ what a block does ------------


def test_the_cache_keeps_to_coredns_floor_and_to_the_longest_lifetime(decided: Decide) -> None:
    cache = decided(". a {\ncache 3 {\ndenial 10\n}\nforward . 1.1.1.1\n}").engine.blocks[0].cache
    assert cache is not None
    assert cache.zones == (".", "a.")
    assert (cache.success.ttl_max_s, cache.success.ttl_min_s) == (3, 3)
    assert cache.denial.capacity == 1024
    assert (cache.prefetch, cache.stale) == (None, None)


def test_a_block_without_a_directive_that_answers_refuses(decided: Decide) -> None:
    plan = decided("a {\nbind ::1\nreload\nhealth\ndebug\n}\nb {\nbind ::1\ncache\n}")
    assert [block.has_handler for block in plan.engine.blocks] == [False, True]


@pytest.mark.parametrize(
    ("options", "transport"),
    [
        pytest.param("", Transport.CLIENT, id="as the client"),
        pytest.param("prefer_udp", Transport.UDP, id="UDP first"),
        pytest.param("force_tcp\nprefer_udp", Transport.TCP, id="force_tcp wins"),
    ],
)
def test_a_forward_speaks(options: str, transport: Transport, decided: Decide) -> None:
    plan = decided(f". {{\nforward . 1.1.1.1 {{\n{options}\n}}\n}}")
    assert plan.engine.blocks[0].forwards[0].transport is transport


@pytest.mark.parametrize(
    ("targets", "expected", "warnings"),
    [
        pytest.param("1.1.1.1 [2001:db8::1]:5300", ["1.1.1.1:53", "[2001:db8::1]:5300"], [], id="addresses"),
        pytest.param(
            "/etc/resolv.conf 1.1.1.1", ["8.8.8.8:53", "8.8.4.4:53", "1.1.1.1:53"], [], id="a file, in its place"
        ),
        pytest.param("1.1.1.1 1.1.1.1:53", ["1.1.1.1:53"], ["`1.1.1.1:53` is named already; asked once"], id="twice"),
        pytest.param("8.8.8.8 /etc/resolv.conf", ["8.8.8.8:53", "8.8.4.4:53"], [], id="a file may repeat"),
        pytest.param(
            "/many",
            [f"10.9.0.{number}:53" for number in range(15)],
            [f"more than 15 upstreams; `10.9.0.{number}:53` is left out" for number in range(15, 20)],
            id="a file of twenty is no reason to die",
        ),
        pytest.param(
            "/none",
            [],
            ["`forward` has no upstream; its zone is answered SERVFAIL", "`/none` names no nameserver"],
            id="a file that names nobody is none either",
        ),
        pytest.param(
            "/loop",
            ["8.8.8.8:53"],
            ["nameserver `10.0.0.7` in `/loop` is ourselves; left out, it would be a loop"],
            id="ourselves are left out",
        ),
        pytest.param(
            "/scoped",
            ["[fe80::53%eth0]:53"],
            ["nameserver `fe80::53%wlan0` names no interface of this node; left out"],
            id="zone ids",
        ),
    ],
)
def test_a_forward_asks(targets: str, expected: list[str], warnings: list[str], compiled: Compile) -> None:
    found = compiled(f". {{\nbind eth0\nforward . {targets}\n}}")
    assert found.plan is not None
    upstreams = found.plan.engine.blocks[0].forwards[0].upstreams
    assert [upstream.label for upstream in upstreams] == expected
    assert found.whats == warnings


def test_an_address_that_is_only_ours_because_we_listen_everywhere_is_ourselves_too(compiled: Compile) -> None:
    found = compiled(". {\nforward . /loop\n}")
    assert [upstream.label for upstream in found.plan.engine.blocks[0].forwards[0].upstreams] == ["8.8.8.8:53"]


def test_a_nameserver_is_somebody_else_where_we_listen_on_another_port(compiled: Compile) -> None:
    found = compiled(".:1053 {\nbind eth0\nforward . /loop\n}")
    assert len(found.plan.engine.blocks[0].forwards[0].upstreams) == 2


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        pytest.param(
            "/unreadable", "`/unreadable` cannot be read; expected a resolv.conf, or an IP address", id="unreadable"
        ),
        pytest.param(
            "/unknown", "`/unknown` cannot be read; expected a resolv.conf, or an IP address", id="not surveyed"
        ),
        pytest.param(
            "fe80::53%wlan0", "`wlan0` is not an interface of this node; expected one after the `%`", id="zone id"
        ),
    ],
)
def test_a_target_is_refused(target: str, problem: str, compiled: Compile) -> None:
    found = compiled(f". {{\nforward . {target}\n}}")
    assert found.plan is None
    assert problem in found.whats


def test_a_health_check_in_a_hurry_is_slowed_down(compiled: Compile) -> None:
    found = compiled(". {\nforward . 1.1.1.1 {\nhealth_check 0s\n}\n}")
    assert found.plan.engine.blocks[0].forwards[0].health_check.interval_ms == 100
    assert found.whats == ["`health_check` is faster than 100ms; taken as that"]


def test_log_rules_are_spelled_out(decided: Decide) -> None:
    plan = decided('. {\nlog a b "{combined}!" {\nclass denial\n}\nlog\nforward . 1.1.1.1\n}')
    first, second, third = plan.engine.blocks[0].log
    assert (first.zone, second.zone, third.zone) == ("a.", "b.", ".")
    assert first.classes == (LogClass.DENIAL,)
    common = (
        '{remote}:{port} - {>id} "{type} {class} {name} {proto} {size} {>do} {>bufsize}" '
        "{rcode} {>rflags} {rsize} {duration}"
    )
    assert first.format == common + ' "{>opcode}"!'
    assert third.format == common


# ------------ what we take of the node ------------


@pytest.mark.parametrize(
    ("cores", "wish", "workers"),
    [
        pytest.param(1, None, 1, id="one core"),
        pytest.param(2, None, 2, id="two cores"),
        pytest.param(64, None, 2, id="many cores: two are enough"),
        pytest.param(64, 8, 8, id="the flag"),
    ],
)
def test_workers(cores: int, wish: int | None, workers: int, decided: Decide, node: Facts) -> None:
    facts = replace(node, cores=cores, workers_wish=wish)
    assert decided(". {\nforward . 1.1.1.1\n}", facts).engine.workers == workers


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        pytest.param(None, (2048, 256), id="no limit"),
        pytest.param(1_048_576, (2048, 256), id="a container's limit"),
        pytest.param(1024, (256, 32), id="an old default"),
        pytest.param(256, (64, 8), id="a small limit"),
        pytest.param(16, (16, 2), id="never below the floor"),
    ],
)
def test_tcp_connections_leave_descriptors_for_the_rest(
    limit: int | None, expected: tuple[int, int], decided: Decide, node: Facts
) -> None:
    engine = decided(". {\nforward . 1.1.1.1\n}", replace(node, file_limit=limit)).engine
    assert (engine.max_tcp_connections, engine.max_tcp_connections_per_client) == expected


@pytest.mark.parametrize(
    ("limit", "wish", "expected"),
    [
        pytest.param(None, None, 48 * MIB, id="no limit"),
        pytest.param(128 * MIB, None, 48 * MIB, id="three eighths of the limit"),
        pytest.param(5 * MIB, None, 8 * MIB, id="never below the floor"),
        pytest.param(2**40, None, 512 * MIB, id="never over the bound of our own accord"),
        pytest.param(128 * MIB, 1024 * MIB, 1024 * MIB, id="the flag"),
    ],
)
def test_memory(limit: int | None, wish: int | None, expected: int, decided: Decide, node: Facts) -> None:
    facts = replace(node, memory_limit_bytes=limit, memory_budget_wish_bytes=wish)
    assert decided(". {\nforward . 1.1.1.1\n}", facts).engine.memory_limit_bytes == expected


@pytest.mark.parametrize(
    ("wish", "problem"),
    [
        pytest.param({"workers_wish": 0}, "engine.workers is 0; expected 1 to 64", id="no worker"),
        pytest.param({"workers_wish": 65}, "engine.workers is 65; expected 1 to 64", id="too many workers"),
        pytest.param(
            {"memory_budget_wish_bytes": 1},
            "engine.memory_limit_bytes is 1; expected 4194304 to 1099511627776",
            id="no memory",
        ),
        pytest.param({"default_port": 70_000}, "engine.listeners[0].port is 70000; expected 1 to 65535", id="no port"),
    ],
)
def test_a_wish_out_of_range_is_refused(wish: dict[str, Any], problem: str, compiled: Compile, node: Facts) -> None:
    found = compiled(". {\nforward . 1.1.1.1\n}", replace(node, **wish))
    assert found.plan is None
    assert found.whats == [problem]


# ------------ what others see, and when we look again ------------


def test_each_endpoint_is_opened_once(decided: Decide) -> None:
    plan = decided(
        "a {\nprometheus :9253\nhealth 127.0.0.1:8080\nready\n}\n"
        "b {\nprometheus :9253\nhealth :8080 {\nlameduck 3s\n}\n}\n"
        "c {\nprometheus 127.0.0.1:9253\nhealth 127.0.0.1:8080 {\nlameduck 1s\n}\n}\n"
    )
    assert [(endpoint.host, endpoint.port) for endpoint in plan.observe.metrics] == [("", 9253)]
    assert [(endpoint.host, endpoint.port) for endpoint in plan.observe.health] == [("", 8080)]
    assert [(endpoint.host, endpoint.port) for endpoint in plan.observe.ready] == [("", 8181)]
    assert plan.observe.lameduck_ms == 3_000


def test_two_kinds_of_service_do_not_share_an_endpoint(compiled: Compile) -> None:
    found = compiled(". {\nprometheus :8080\nhealth\n}")
    assert found.plan is None
    assert found.whats == ["`:8080` is taken by `prometheus` already, at Corefile:2:1; expected another port"]


def test_enabled_plugins_are_the_handlers_of_blocks_with_prometheus(decided: Decide) -> None:
    plan = decided(
        "b a {\nbind ::1\nprometheus\nerrors\ncache\nloop\nlog\nreload\nhealth\nforward . 1.1.1.1\n}\n"
        "c {\nbind ::1\ncache\n}"
    )
    assert plan.observe.plugins == tuple(
        PluginEnabled(name=name, server="dns://[::1]:53", zone="b.")
        for name in ("cache", "errors", "forward", "log", "loop", "prometheus")
    )


def test_the_last_reload_counts(decided: Decide) -> None:
    assert decided("a {\nreload 4s\n}\nb {\nreload 6s 2s\n}\nc {\ncache\n}").reload == ReloadPlan(
        interval_ms=6_000, jitter_ms=2_000
    )
    assert decided("a {\ncache\n}").reload is None


def test_problems_of_several_blocks_are_told_together(compiled: Compile, golden: Callable[[str, str], None]) -> None:
    found = compiled(
        "a {\n    bind eth7 10.0.0.7 10.0.0.7\n    forward . /unreadable\n}\n"
        "a b {\n    bind eth0\n    forward . /loop fe80::1%x\n    prometheus :1\n    health :1\n}\n"
        "b {\n    forward . /none\n}\n"
    )
    assert found.plan is None
    golden("plan_problems.txt", found.problems.render() + "\n")


def test_an_engine_plan_stands_on_its_own(decided: Decide) -> None:
    assert isinstance(decided(". {\nforward . 1.1.1.1\n}").engine, EnginePlan)
