"""The text format, against what client_golang writes and what Prometheus' own parser reads."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some
from prometheus_client.parser import text_string_to_metric_families

from nodens.observe import Distribution, Family, Kind, Sample, render, render_number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(0, "0", id="nothing"),
        pytest.param(56, "56", id="a whole number"),
        pytest.param(-1, "-1", id="below zero"),
        pytest.param(999_999, "999999", id="the last plain one"),
        pytest.param(1_000_000, "1e+06", id="a million"),
        pytest.param(1_234_567, "1.234567e+06", id="over a million"),
        pytest.param(123456.5, "123456.5", id="a fraction below a million"),
        pytest.param(0.00025, "0.00025", id="the first time bucket"),
        pytest.param(0.0001, "0.0001", id="the last small plain one"),
        pytest.param(0.00005, "5e-05", id="smaller"),
        pytest.param(8.192, "8.192", id="the last time bucket"),
        pytest.param(64000, "64000", id="the last size bucket"),
        pytest.param(2.0**64, "1.8446744073709552e+19", id="no limit"),
        pytest.param(1e100, "1e+100", id="three digits of exponent"),
        pytest.param(math.inf, "+Inf", id="infinity"),
        pytest.param(-math.inf, "-Inf", id="minus infinity"),
        pytest.param(math.nan, "NaN", id="not a number"),
    ],
)
def test_numbers_are_written_as_go_writes_them(value: float, text: str) -> None:
    assert render_number(value) == text


@given(some.floats(allow_nan=False))
def test_a_number_reads_back_the_same(value: float) -> None:
    assert float(render_number(value)) == value


HITS = Family(
    name="coredns_cache_hits_total",
    kind=Kind.COUNTER,
    help="The count of cache hits.",
    labels=("server", "type", "view", "zones"),
)
TIME = Family(name="a_seconds", kind=Kind.HISTOGRAM, help="Time.", labels=("zone",), buckets=(0.25, 1.0))


def hit(server: str, kind: str, value: float) -> Sample:
    return Sample(family=HITS, labels=(server, kind, "", "cluster.local."), value=value)


def test_families_and_samples_are_sorted_and_le_stands_last() -> None:
    text = render(
        [
            hit("dns://10.96.0.10:53", "success", 9),
            hit("dns://10.96.0.10:53", "denial", 12),
            Sample(family=TIME, labels=(".",), value=Distribution(counts=(2, 1), total=3.5, count=4)),
        ]
    )
    assert text == (
        "# HELP a_seconds Time.\n"
        "# TYPE a_seconds histogram\n"
        'a_seconds_bucket{zone=".",le="0.25"} 2\n'
        'a_seconds_bucket{zone=".",le="1"} 3\n'
        'a_seconds_bucket{zone=".",le="+Inf"} 4\n'
        'a_seconds_sum{zone="."} 3.5\n'
        'a_seconds_count{zone="."} 4\n'
        "# HELP coredns_cache_hits_total The count of cache hits.\n"
        "# TYPE coredns_cache_hits_total counter\n"
        'coredns_cache_hits_total{server="dns://10.96.0.10:53",type="denial",view="",zones="cluster.local."} 12\n'
        'coredns_cache_hits_total{server="dns://10.96.0.10:53",type="success",view="",zones="cluster.local."} 9\n'
    )


def test_a_family_without_samples_is_left_out() -> None:
    assert render([]) == ""


@given(some.text(alphabet=some.characters(codec="utf-8", exclude_characters="\r\x85\u2028\u2029\x0b\x0c\x1c\x1d\x1e")))
def test_any_label_value_is_read_back_by_prometheus_own_parser(value: str) -> None:
    family = Family(name="a", kind=Kind.GAUGE, help='a \\ and a\nline and a "', labels=("b",))
    (read,) = text_string_to_metric_families(render([Sample(family=family, labels=(value,), value=1)]))
    assert read.documentation == family.help
    assert read.samples[0].labels == {"b": value}


def test_a_histogram_is_read_back_by_prometheus_own_parser() -> None:
    value = Distribution(counts=(2, 1), total=3.5, count=4)
    (read,) = text_string_to_metric_families(render([Sample(family=TIME, labels=(".",), value=value)]))
    assert read.type == "histogram"
    assert [sample.value for sample in read.samples] == [2, 3, 4, 3.5, 4]


def test_too_few_label_values_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        render([Sample(family=HITS, labels=("only one",), value=1)])
