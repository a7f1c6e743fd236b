"""kube-proxy in IPVS mode, in a real kernel: the link-local address is ours, the service's is left to IPVS."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.netns, pytest.mark.timeout(180)]


@pytest.fixture
def told(boot: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    return boot("ipvs.py")


def line(lines: list[dict[str, str]], check: str) -> dict[str, str]:
    return next(each for each in lines if each["check"] == check)


def test_the_link_local_address_is_answered_by_us(told: dict[str, Any]) -> None:
    print(f"steered {told['steered_s']:.1f} s after start")  # noqa: T201 - a figure
    assert told["own"] == ["2.2.2.2", "2.2.2.2"]
    assert told["own_again"] == ["2.2.2.2"] * 3
    assert told["code"] == 0


def test_the_services_address_goes_through_ipvs_as_before(told: dict[str, Any]) -> None:
    assert told["before"] == told["after"] == "1.1.1.1"
    assert told["service"] == ["1.1.1.1"] * 3
    start, asked, cached, through = told["connections"]
    print(f"connections in IPVS: {told['connections']}")  # noqa: T201 - a figure
    assert start["pod"] == asked["pod"] == cached["pod"] == 1  # the question before we were there
    assert asked["node"] > start["node"]  # our upstream is the service
    assert cached["node"] == asked["node"]
    assert through["pod"] == cached["pod"] + 3


def test_nothing_of_ours_touches_the_services_address(told: dict[str, Any]) -> None:
    assert "169.254.20.10/32" in told["addresses"]
    assert "10.96.0.10" not in told["addresses"]
    ours = [rule for table in told["rules"].values() for rule in table if rule.startswith("-A")]
    assert len(ours) == 12
    assert not [rule for rule in ours if "10.96.0.10" in rule]
    before, during, after = told["theirs"]
    assert "10.96.0.10/32" in before["link"]
    assert "-A -u 10.96.0.10:53 -s rr" in before["servers"]
    assert before == during == after
    assert told["traces"] == []


def test_the_doctor_names_the_mode_and_where_it_leads(told: dict[str, Any]) -> None:
    proxy = line(told["doctor"], "kube-proxy")
    assert (proxy["verdict"], proxy["what"]) == ("ok", "ipvs")
    way = line(told["doctor"], "dnat 10.96.0.10")
    assert way["verdict"] == "ok"
    assert "udp to 192.168.2.10:53 (ipvs" in way["what"]
    assert "tcp to 192.168.2.10:53 (ipvs" in way["what"]
    assert line(told["doctor"], "answer n1.cluster.local")["verdict"] != "bad", json.dumps(told["doctor"], indent=1)
