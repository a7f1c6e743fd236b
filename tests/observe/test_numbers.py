"""The control plane's own numbers and their catalogue."""

from __future__ import annotations

import re

import pytest

from nodens.observe import (
    CONTROL,
    PLAN_INFO,
    RELOAD_FAILED,
    SETUP_ERRORS,
    Distribution,
    Kind,
    Numbers,
    document,
    engine_samples,
    render,
)
from nodens.observe.catalogue import HEALTH_DURATION, HTTP_DOWN


def test_names_keep_prometheus_customs() -> None:
    for family in CONTROL:
        assert re.fullmatch(r"(coredns|nodens|process|promhttp)_[a-z0-9_]+", family.name)
        assert (family.kind is Kind.COUNTER) == family.name.endswith("_total")
        assert list(family.labels) == sorted(family.labels)
        assert list(family.buckets) == sorted(family.buckets)
    assert len({family.name for family in CONTROL}) == len(CONTROL)


def test_what_readers_expect_from_the_first_moment_is_there_at_nothing() -> None:
    text = render(Numbers().samples())
    for line in (
        'coredns_nodecache_setup_errors_total{errortype="configmap"} 0',
        'coredns_nodecache_setup_errors_total{errortype="interface_add"} 0',
        'coredns_nodecache_setup_errors_total{errortype="interface_check"} 0',
        'coredns_nodecache_setup_errors_total{errortype="iptables"} 0',
        'coredns_nodecache_setup_errors_total{errortype="iptables_lock"} 0',
        "coredns_reload_failed_total 0",
        "nodens_reload_refused 0",
        "coredns_hosts_reload_timestamp_seconds 0",
        "coredns_health_request_failures_total 0",
        "coredns_health_request_duration_seconds_count 0",
        'promhttp_metric_handler_requests_total{code="200"} 0',
        "promhttp_metric_handler_requests_in_flight 0",
    ):
        assert f"{line}\n" in text
    assert "coredns_reload_version_info" not in text  # absent until the first reload


def test_counting_adds_up_and_an_information_family_holds_only_its_last_rows() -> None:
    numbers = Numbers()
    numbers.add(RELOAD_FAILED)
    numbers.add(RELOAD_FAILED, by=2)
    numbers.add(SETUP_ERRORS, "configmap")
    numbers.put_all(PLAN_INFO, [("old",)])
    numbers.put_all(PLAN_INFO, [("new",)])
    numbers.put(HTTP_DOWN, ":9253", value=1)
    numbers.drop(HTTP_DOWN, ":9253")
    text = render(numbers.samples())
    assert "coredns_reload_failed_total 3\n" in text
    assert 'errortype="configmap"} 1\n' in text
    assert 'nodens_plan_info{id="new"} 1\n' in text
    assert "old" not in text
    assert "nodens_http_listener_down" not in text


@pytest.mark.parametrize(
    ("seconds", "counts"),
    [
        pytest.param(0.0, (1, 0, 0, 0, 0), id="nothing"),
        pytest.param(0.00025, (1, 0, 0, 0, 0), id="on the bound"),
        pytest.param(0.00026, (0, 1, 0, 0, 0), id="over the bound"),
        pytest.param(9.0, (0, 0, 0, 0, 0), id="over the last"),
    ],
)
def test_an_observation_falls_under_the_first_bound_that_holds_it(seconds: float, counts: tuple[int, ...]) -> None:
    numbers = Numbers()
    numbers.observe(HEALTH_DURATION, seconds)
    (seen,) = (sample.value for sample in numbers.samples() if sample.family is HEALTH_DURATION)
    assert seen == Distribution(counts=counts, total=seconds, count=1)


def test_a_histogram_refuses_to_be_added_to() -> None:
    with pytest.raises(TypeError, match="observe instead"):
        Numbers().add(HEALTH_DURATION)


class Recorded:
    """A data plane that says what it was told to say."""

    catalogue = (
        ("coredns_panics_total", "counter", "A metrics that counts the number of panics.", (), ()),
        ("coredns_dns_request_duration_seconds", "histogram", "Time.", ("server", "view", "zone"), (0.1, 1.0)),
    )

    def snapshot(self) -> list[tuple[int, tuple[str, ...], float | tuple[tuple[int, ...], float, int]]]:
        return [(1, ("dns://:53", "", "."), ((3, 0), 0.5, 4)), (0, (), 0.0)]

    def pulse(self) -> tuple[int, ...]:
        return (1,)


def test_a_snapshot_of_the_engine_becomes_samples_of_its_own_catalogue() -> None:
    text = render(engine_samples(Recorded()))
    assert "coredns_panics_total 0\n" in text
    assert 'coredns_dns_request_duration_seconds_bucket{server="dns://:53",view="",zone=".",le="+Inf"} 4\n' in text


def test_the_document_names_every_family_of_both_catalogues_once() -> None:
    text = document(Recorded.catalogue)
    for name in [family.name for family in CONTROL] + [row[0] for row in Recorded.catalogue]:
        assert text.count(f"| `{name}` |") == 1
