"""What is different between two plans, in the words that people wrote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from nodens import plan
from nodens.config import DIRECTIVES, served_directives
from nodens.plan import Facts, Plan
from nodens.plan.change import _DIRECTIVE_VIEWS

Decide = Callable[..., Plan]
BASE = "a {\nbind 10.0.0.7\ncache 30\nforward . 1.1.1.1\n}\n"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param(BASE, (), id="nothing"),
        pytest.param("\n# moved\n" + BASE, (), id="lines that moved"),
        pytest.param(BASE.replace("cache 30", "cache 60"), ("cache",), id="cache"),
        pytest.param(BASE.replace("1.1.1.1", "1.1.1.2"), ("forward",), id="forward"),
        pytest.param(
            BASE.replace("cache 30", "cache 60\nerrors\nlog\nloop"), ("cache", "errors", "log", "loop"), id="several"
        ),
        pytest.param(BASE.replace("cache 30", "cache 30\nbufsize 512"), ("bufsize",), id="bufsize"),
        pytest.param(BASE.replace("cache 30", "cache 30\nprometheus"), ("prometheus",), id="prometheus"),
        pytest.param(BASE.replace("cache 30", "cache 30\nhealth"), ("health",), id="health"),
        pytest.param(BASE.replace("cache 30", "cache 30\nready"), ("ready",), id="ready"),
        pytest.param(BASE.replace("cache 30", "cache 30\nreload"), ("reload",), id="reload"),
        pytest.param(BASE.replace("cache 30", "cache 30\ndebug"), ("debug",), id="debug"),
        pytest.param(BASE.replace("cache 30", "cache 30\ntimeouts {\nread 1s\n}"), ("timeouts",), id="timeouts"),
        pytest.param(BASE.replace("7", "7 10.0.0.8"), ("bind",), id="bind"),
        pytest.param(BASE + "b {\nbind 10.0.0.7\ncache\nerrors\n}\n", ("zones",), id="a new block"),
        pytest.param(BASE.replace("a {", "a b {"), ("zones",), id="a new key"),
    ],
)
def test_a_change_is_named_by_its_directives(text: str, parts: tuple[str, ...], decided: Decide) -> None:
    change = plan.change(decided(BASE), decided(text))
    assert change.parts == parts
    assert change.is_empty == (not parts)
    assert not change.needs_restart


def test_listeners_that_stay_are_not_touched(decided: Decide) -> None:
    wanted = decided(BASE.replace("7", "8 10.0.0.7").replace("cache 30", "timeouts {\nread 1s\n}"))
    change = plan.change(decided(BASE), wanted)
    assert [listener.label for listener in change.new_listeners] == ["dns://10.0.0.8:53"]
    assert change.old_listeners == ()


def test_a_listener_that_leaves_is_named(decided: Decide) -> None:
    change = plan.change(decided(BASE), decided(BASE.replace("10.0.0.7", "::1")))
    assert [listener.label for listener in change.old_listeners] == ["dns://10.0.0.7:53"]
    assert [listener.label for listener in change.new_listeners] == ["dns://[::1]:53"]


def test_another_number_of_workers_needs_a_restart_and_says_why(decided: Decide, node: Facts) -> None:
    change = plan.change(decided(BASE), decided(BASE, replace(node, workers_wish=3)))
    assert change.parts == ("workers",)
    assert change.needs_restart
    assert change.restart_reasons == ("`workers` changes from 2 to 3; only a restart takes it up",)


def test_addresses_that_come_and_go_are_named(decided: Decide, node: Facts) -> None:
    text = BASE.replace("bind 10.0.0.7", "bind 10.96.0.10 fd00::a")
    before = decided(text, replace(node, own_addresses=("169.254.20.10",), borrowed_addresses=("10.96.0.10",)))
    after = decided(text, replace(node, own_addresses=("169.254.20.11",), borrowed_addresses=("10.96.0.10", "fd00::a")))
    change = plan.change(before, after)
    assert (change.new_own, change.old_own) == (("169.254.20.11",), ("169.254.20.10",))
    assert (change.new_borrowed, change.old_borrowed) == (("fd00::a",), ())


def test_blocks_in_another_order_are_a_change_of_order_alone(decided: Decide) -> None:
    a, b = "a {\ncache\n}\n", "b {\ncache\n}\n"
    assert plan.change(decided(a + b), decided(b + a)).parts == ("order",)


def test_every_served_directive_has_its_view() -> None:
    assert set(_DIRECTIVE_VIEWS) == set(served_directives())
    assert all(DIRECTIVES[name].change for name in _DIRECTIVE_VIEWS)
