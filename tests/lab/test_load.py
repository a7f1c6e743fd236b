"""The load is bounded, on schedule, and honest about what was lost."""

from __future__ import annotations

import pytest

from nodens.errors import LabError
from nodens.lab import faults, small_cluster
from nodens.lab.load import Histogram, Load, apply_load
from nodens.lab.upstream import Upstream

QUESTIONS = [("web.shop.svc.cluster.local", "A"), ("nope.shop.svc.cluster.local", "A")]


def test_every_query_is_sent_on_schedule_and_answered() -> None:
    with small_cluster() as upstream:
        outcome = apply_load(Load(address=upstream.address, questions=QUESTIONS, rate_per_s=500, seconds=0.4, ports=8))
        sources = {heard.source for heard in upstream.log}
    assert (outcome.sent, outcome.lost, outcome.wrong, outcome.strange) == (200, 0, 0, 0)
    assert outcome.rcodes == {0: 100, 3: 100}
    assert outcome.latency.total == 200
    assert len(sources) == 8


def test_what_is_not_answered_is_lost() -> None:
    with Upstream(faults.silent) as upstream:
        asked = Load(address=upstream.address, questions=QUESTIONS, rate_per_s=200, seconds=0.1, ports=2, grace_s=0.05)
        outcome = apply_load(asked)
    assert (outcome.sent, outcome.lost) == (20, 20)


def test_a_wrong_answer_is_counted() -> None:
    with small_cluster() as upstream:
        load = Load(address=upstream.address, questions=QUESTIONS[:1], rate_per_s=200, seconds=0.1, ports=2)
        outcome = apply_load(load, check=lambda wire: wire.endswith(b"no"))
    assert (outcome.answered, outcome.wrong) == (20, 20)


def test_a_strange_reply_is_not_an_answer() -> None:
    script = faults.spoiled(faults.answering_with(), faults.wrong_id)
    with Upstream(script) as upstream:
        asked = Load(address=upstream.address, questions=QUESTIONS, rate_per_s=100, seconds=0.1, ports=1, grace_s=0.2)
        outcome = apply_load(asked)
    assert (outcome.strange, outcome.lost) == (10, 10)


def test_it_ends_when_told() -> None:
    with small_cluster() as upstream:
        load = Load(address=upstream.address, questions=QUESTIONS, rate_per_s=100, seconds=20, ports=2)
        assert apply_load(load, until=lambda: bool(upstream.log)).sent < 20


@pytest.mark.parametrize(("rate", "ports"), [(1_000_001, 8), (10, 0), (10, 513)], ids=["count", "no port", "ports"])
def test_a_load_without_bound_is_refused(rate: int, ports: int) -> None:
    with pytest.raises(LabError, match="limits are"):
        apply_load(Load(address=("127.0.0.1", 9), questions=QUESTIONS, rate_per_s=rate, seconds=1, ports=ports))


def test_quantiles_are_close() -> None:
    histogram = Histogram()
    for us in range(1, 10_001):
        histogram.note(us)
    for share in (0.5, 0.99, 0.999):
        assert histogram.quantile_us(share) == pytest.approx(share * 10_000, rel=0.05)
    assert histogram.quantile_us(1.0) == 10_000
