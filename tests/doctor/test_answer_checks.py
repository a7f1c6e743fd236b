"""Verdicts on upstreams, resolv.conf and answers: what was said in, verdict out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nodens.doctor import answer_checks
from nodens.doctor.model import Answer, Place, ResolvConf, Subject, Upstream

US = Subject(own=("169.254.20.10",), borrowed=("10.96.0.10",), cluster=(Place(address="10.96.0.53"),))
GOOD = Answer(rcode="NOERROR", records=("10.96.0.1",), took_ms=1.25)
DENIED = Answer(rcode="NXDOMAIN", took_ms=1.0)
SILENT = Answer(trouble="silent for 0.8 s")
INSIDE, OUTSIDE = "kubernetes.default.svc.cluster.local", "example.com"
BOTH = Upstream(place=Place(address="10.96.0.53"))
BY_TCP = replace(BOTH, needs=("tcp",))


@pytest.mark.parametrize(
    ("upstream", "udp", "tcp", "verdict"),
    [
        pytest.param(BOTH, GOOD, GOOD, "ok", id="both answer"),
        pytest.param(BOTH, DENIED, DENIED, "ok", id="a denial is an answer"),
        pytest.param(BOTH, SILENT, SILENT, "bad", id="silent"),
        pytest.param(BOTH, SILENT, GOOD, "bad", id="no udp"),
        pytest.param(BOTH, GOOD, SILENT, "warn", id="no tcp"),
        pytest.param(BY_TCP, SILENT, GOOD, "warn", id="no udp, and tcp is all that is used"),
        pytest.param(BY_TCP, GOOD, SILENT, "bad", id="no tcp, and tcp is all that is used"),
        pytest.param(BOTH, replace(GOOD, rcode="REFUSED"), GOOD, "warn", id="refused"),
        pytest.param(BOTH, replace(GOOD, took_ms=700), GOOD, "warn", id="slow"),
        pytest.param(replace(BOTH, place=Place(address="10.96.0.10")), GOOD, GOOD, "bad", id="ourselves"),
    ],
)
def test_an_upstream_must_answer_over_what_is_used(upstream: Upstream, udp: Answer, tcp: Answer, verdict: str) -> None:
    assert answer_checks.judge_upstream(upstream, {"udp": udp, "tcp": tcp}, US).verdict == verdict


def test_an_upstreams_line_gives_the_times() -> None:
    line = answer_checks.judge_upstream(BOTH, {"udp": GOOD, "tcp": SILENT}, US)
    assert line.what == "udp NOERROR in 1.2 ms; tcp silent for 0.8 s"


@pytest.mark.parametrize(
    ("nameservers", "behind", "verdict"),
    [
        pytest.param(("192.0.2.1",), (), "ok", id="real servers"),
        pytest.param(("192.0.2.1", "169.254.20.10"), (), "bad", id="one is our own"),
        pytest.param(("10.96.0.10",), (), "bad", id="the address we borrow"),
        pytest.param(("127.0.0.53",), (), "warn", id="a stub"),
        pytest.param(("127.0.0.53",), ("192.0.2.1",), "warn", id="a stub in front of real servers"),
        pytest.param(("127.0.0.53",), ("169.254.20.10",), "bad", id="a stub that asks us"),
        pytest.param(("::1",), (), "warn", id="loopback of IPv6"),
        pytest.param((), (), "warn", id="nobody"),
        pytest.param(None, (), "skipped", id="cannot be read"),
    ],
)
def test_a_resolv_conf_must_not_lead_back_to_us(
    nameservers: tuple[str, ...] | None, behind: tuple[str, ...], verdict: str
) -> None:
    found = ResolvConf(path="/etc/resolv.conf", nameservers=nameservers, behind=behind)
    assert answer_checks.judge_resolv_conf(found, US).verdict == verdict


@pytest.mark.parametrize(
    ("name", "ours", "theirs", "verdict"),
    [
        pytest.param(INSIDE, GOOD, GOOD, "ok", id="the same"),
        pytest.param(INSIDE, GOOD, replace(GOOD, took_ms=90), "ok", id="the same, later"),
        pytest.param(INSIDE, DENIED, DENIED, "ok", id="both deny"),
        pytest.param(INSIDE, DENIED, GOOD, "bad", id="we deny what is there"),
        pytest.param(INSIDE, replace(GOOD, records=("10.96.0.9",)), GOOD, "warn", id="an older answer"),
        pytest.param(OUTSIDE, replace(GOOD, records=("192.0.2.9",)), GOOD, "ok", id="outside, addresses rotate"),
        pytest.param(OUTSIDE, DENIED, GOOD, "warn", id="outside, views differ"),
        pytest.param(OUTSIDE, replace(DENIED, rcode="SERVFAIL"), GOOD, "bad", id="we fail"),
        pytest.param(
            OUTSIDE, replace(DENIED, rcode="REFUSED"), replace(DENIED, rcode="REFUSED"), "warn", id="both fail"
        ),
        pytest.param(INSIDE, SILENT, GOOD, "bad", id="we are silent"),
        pytest.param(INSIDE, GOOD, SILENT, "warn", id="cluster DNS is silent"),
        pytest.param(INSIDE, SILENT, SILENT, "bad", id="both are silent"),
        pytest.param(INSIDE, None, GOOD, "skipped", id="no agent"),
        pytest.param(INSIDE, GOOD, None, "skipped", id="no cluster DNS"),
    ],
)
def test_answers_are_compared(name: str, ours: Answer | None, theirs: Answer | None, verdict: str) -> None:
    assert answer_checks.judge_answers(name, ours, theirs, US).verdict == verdict


def test_the_domain_is_compared_label_by_label() -> None:
    assert answer_checks.is_within("a.Cluster.Local.", "cluster.local")
    assert not answer_checks.is_within("a.mycluster.local", "cluster.local")


def test_what_is_ours_is_not_cluster_dns() -> None:
    borrowed = replace(US, cluster=(Place(address="10.96.0.10"),))
    assert answer_checks.places_to_compare(borrowed) == (Place(address="169.254.20.10"), None)
