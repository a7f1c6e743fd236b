"""The last guard before the engine: each rule says no."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from nodens.plan import EnginePlan, Plan, ZonePlan
from nodens.plan.ranges import find_breaches

Spoil = Callable[[EnginePlan], EnginePlan]


def spoil_listener(plan: EnginePlan, **fields: object) -> EnginePlan:
    return replace(plan, listeners=(replace(plan.listeners[0], **fields),))


def spoil_block(plan: EnginePlan, **fields: object) -> EnginePlan:
    return replace(plan, blocks=(replace(plan.blocks[0], **fields),))


@pytest.mark.parametrize(
    ("spoil", "breach"),
    [
        pytest.param(lambda plan: plan, None, id="a good plan"),
        pytest.param(
            lambda plan: replace(plan, blocks=plan.blocks * 2),
            "block name stands 2 times: .:53",
            id="a block name twice",
        ),
        pytest.param(
            lambda plan: replace(plan, listeners=plan.listeners * 2),
            "listener stands 2 times: ::%0 53",
            id="a listener twice",
        ),
        pytest.param(
            lambda plan: spoil_listener(plan, zones=plan.listeners[0].zones * 2),
            "zone of dns://:53 stands 2 times: .",
            id="a zone twice",
        ),
        pytest.param(
            lambda plan: spoil_listener(plan, zones=(ZonePlan(name=".", block=1),)),
            "zone `.` has no block: 1",
            id="a zone without block",
        ),
        pytest.param(
            lambda plan: spoil_listener(plan, zones=(ZonePlan(name="A", block=0),)),
            "engine.listeners[0].zones[0].name is 'A'; expected a canonical zone",
            id="a zone that is not canonical",
        ),
        pytest.param(
            lambda plan: spoil_listener(plan, address="eth0"),
            "engine.listeners[0].address is 'eth0'; expected an IP address",
            id="no address",
        ),
        pytest.param(
            lambda plan: spoil_block(plan, udp_size_limit=511),
            "engine.blocks[0].udp_size_limit is 511; expected 512 to 4096",
            id="a size under the least",
        ),
    ],
)
def test_a_breach_is_found(spoil: Spoil, breach: str | None, decided: Callable[..., Plan]) -> None:
    plan = decided(". {\nforward . 1.1.1.1\n}").engine
    assert list(find_breaches(spoil(plan))) == ([breach] if breach else [])


def test_crossed_lifetimes_are_found(decided: Callable[..., Plan]) -> None:
    plan = decided(". {\ncache 9\n}").engine
    cache = plan.blocks[0].cache
    assert cache is not None
    crossed = spoil_block(plan, cache=replace(cache, success=replace(cache.success, ttl_min_s=10)))
    assert list(find_breaches(crossed)) == ["ttl_min_s of `.:53` is over ttl_max_s: 10"]
