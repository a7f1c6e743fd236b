"""Where each value of a plan came from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from nodens import plan
from nodens.plan import Facts, Plan

Decide = Callable[..., Plan]
TEXT = """\
a:54 {
    bind 10.0.0.7
    cache 30 {
        denial 9984 5
    }
    forward . /etc/resolv.conf {
        force_tcp
    }
    timeouts {
        read 1s
    }
    health
}
b {
    forward c 1.1.1.1 {
        expire 5s
    }
    forward . 1.1.1.1
}
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("engine.workers", "node: 4 cores", id="workers"),
        pytest.param("engine.memory_limit_bytes", "flag --memory", id="a flag"),
        pytest.param("engine.max_tcp_connections", "default", id="a default of ours"),
        pytest.param("engine.listeners[0].address", "Corefile:2:5", id="bind"),
        pytest.param("engine.listeners[0].port", "Corefile:1:1", id="a port of a key"),
        pytest.param("engine.listeners[0].tcp_read_timeout_ms", "Corefile:9:5", id="timeouts"),
        pytest.param("engine.listeners[1].address", "default", id="no bind"),
        pytest.param("engine.listeners[1].port", "flag -dns.port", id="a port of a flag"),
        pytest.param("engine.listeners[1].tcp_read_timeout_ms", "default", id="no timeouts"),
        pytest.param("engine.blocks[0].cache.denial.capacity", "Corefile:4:9", id="an option"),
        pytest.param("engine.blocks[0].cache.success.ttl_max_s", "Corefile:3:5", id="the TTL of the first line"),
        pytest.param("engine.blocks[0].cache.success.capacity", "default", id="an absent option"),
        pytest.param("engine.blocks[0].cache.servfail_ms", "default", id="another"),
        pytest.param("engine.blocks[0].forwards[0].transport", "Corefile:7:9", id="an option of a forward"),
        pytest.param("engine.blocks[0].forwards[0].expire_ms", "default", id="an absent option of a forward"),
        pytest.param(
            "engine.blocks[0].forwards[0].upstreams[1].address",
            "/etc/resolv.conf, named at Corefile:6:15",
            id="resolv.conf",
        ),
        pytest.param("engine.blocks[1].forwards[0].expire_ms", "Corefile:15:5", id="one of two forwards"),
        pytest.param("engine.blocks[1].cache", "default", id="no cache"),
        pytest.param("observe.health[0].port", "Corefile:12:5", id="an endpoint"),
        pytest.param("reload", "default", id="no reload"),
    ],
)
def test_a_value_came_from(path: str, expected: str, decided: Decide, node: Facts) -> None:
    facts = replace(
        node,
        memory_budget_wish_bytes=2**26,
        source_of={"memory_budget_wish_bytes": "flag --memory", "default_port": "flag -dns.port"},
    )
    rows = {row[0]: row[2] for row in plan.explain(decided(TEXT, facts))}
    assert rows[path] == expected


def test_a_plan_whose_lines_moved_is_the_same_plan(decided: Decide) -> None:
    first, second = decided(TEXT), decided("# moved\n" + TEXT)
    assert first == second
    assert first.origins != second.origins
    assert repr(first) == repr(second)
