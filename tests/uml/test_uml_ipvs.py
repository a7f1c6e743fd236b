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
    assert "-A -u [fd00:96::a]:53 -s rr" in before["servers"]
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


def test_after_sigkill_the_service_is_answered_as_before_and_a_start_takes_the_link_local_address_back(
    told: dict[str, Any],
) -> None:
    """Both families. Nobody takes over for the link-local address: there a hand-over helps, and a quick restart."""
    killed = told["killed"]
    print(killed)  # noqa: T201 - what was seen
    assert killed["own"] == ["2.2.2.2", "2.2.2.2"]
    assert killed["service"] == killed["service_after"] == ["1.1.1.1", "1.1.1.1"]
    assert "1.1.1.1" not in killed["own_after"]
    assert "2.2.2.2" not in killed["own_after"]
    assert any("rules of 169.254.20.10" in trace for trace in killed["left"])
    assert killed["own_again"] == ["2.2.2.2", "2.2.2.2"]
    assert (killed["code"], killed["traces"]) == (0, [])


def test_the_services_address_is_warned_of(told: dict[str, Any]) -> None:
    assert "[WARNING] 10.96.0.10 is on kube-ipvs0, too: kube-proxy's IPVS takes its packets" in told["wrong"]
    assert "kube-ipvs0" not in told["said"]
