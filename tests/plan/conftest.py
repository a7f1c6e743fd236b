"""Texts -> plans, on a node that stands here in full."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent
from typing import NamedTuple

import pytest

from nodens import config, corefile, plan
from nodens.plan import Facts, Interface, Nameserver
from nodens.problems import Problems

NODE = Facts(
    interfaces=(
        Interface(name="lo", index=1, addresses=("127.0.0.1", "::1")),
        Interface(name="eth0", index=2, addresses=("10.0.0.7", "fe80::7")),
        Interface(name="eth1", index=3, addresses=("10.0.1.7", "fe80::8", "10.0.1.8")),
        Interface(name="down", index=4),
    ),
    cores=4,
    resolv_conf={
        "/etc/resolv.conf": (Nameserver(address="8.8.8.8"), Nameserver(address="8.8.4.4")),
        "/many": tuple(Nameserver(address=f"10.9.0.{number}") for number in range(20)),
        "/none": (),
        "/loop": (Nameserver(address="10.0.0.7"), Nameserver(address="8.8.8.8"), Nameserver(address="8.8.8.8")),
        "/scoped": (Nameserver(address="fe80::53", zone_id="eth0"), Nameserver(address="fe80::53", zone_id="wlan0")),
        "/unreadable": None,
    },
)


class Compiled(NamedTuple):
    """What became of a text."""

    plan: plan.Plan | None
    problems: Problems

    @property
    def whats(self) -> list[str]:
        return [problem.what for problem in self.problems]


def compile_text(text: str, facts: Facts = NODE) -> Compiled:
    problems = Problems()
    tree = corefile.parse(dedent(text), "Corefile", problems)
    assert tree is not None, problems.render()
    asked = config.read(tree, problems)
    assert asked is not None, problems.render()
    return Compiled(plan.compile_plan(asked, facts, problems), problems)


@pytest.fixture
def node() -> Facts:
    return NODE


@pytest.fixture
def compiled() -> Callable[..., Compiled]:
    return compile_text


@pytest.fixture
def decided() -> Callable[..., plan.Plan]:
    """Compile a text that must give a plan."""

    def decide(text: str, facts: Facts = NODE) -> plan.Plan:
        found = compile_text(text, facts)
        assert found.plan is not None, found.problems.render()
        return found.plan

    return decide
