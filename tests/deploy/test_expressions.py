"""Every expression of dashboard and rules names what the running program tells, and counts on labels that are there."""

from __future__ import annotations

import socket
import urllib.request

import dns.message
import dns.query
import pytest
from named import (
    ALERTS,
    FORMS_IN_CIRCULATION,
    IN_CIRCULATION,
    NOT_OURS,
    OF_STEERING,
    RECORDS,
    catalogue,
    expressions,
    known,
    panels,
)  # fmt: skip
from prometheus_client.parser import text_string_to_metric_families
from promql import OF_TARGETS, Labels, labels_of, metrics_of

from nodens.lab import small_cluster
from nodens.lab.theatre import program_serving

COREFILE = """\
.:{port} {{
    bind 127.0.0.1
    cache 1 {{
        serve_stale 1h
        success 256
        denial 256
        prefetch 1 1m 90%
    }}
    forward . 127.0.0.1:{upstream} {{
        force_tcp
    }}
    prometheus 127.0.0.1:{metrics}
    health 127.0.0.1:{health}
    errors
    reload
}}
silent.test:{port} {{
    bind 127.0.0.1
    forward . 127.0.0.1:{silent} {{
        health_check 50ms
        max_fails 1
    }}
    prometheus 127.0.0.1:{metrics}
}}
"""
# What a calm life of some seconds on one machine does not bring forth: it needs this.
NEEDS = {
    "coredns_cache_drops_total": "a malformed answer",
    "coredns_cache_evictions_total": "a full cache",
    "coredns_cache_prefetch_total": "a popular name about to run out",
    "coredns_cache_served_stale_total": "a name that ran out while upstreams are silent",
    "coredns_nodecache_setup_errors_total": "a node that refuses a step",
    "nodens_control_failures_total": "a bug",
    "nodens_not_kept_total": "a memory budget that is used up",
    "nodens_http_listener_down": "an address that is taken",
    **dict.fromkeys(OF_STEERING, "steering; tests/image asks for them there"),
}


def free_ports(wanted: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(wanted)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="module")
def scrape() -> Labels:
    """Which series the program told after some queries, and the labels they have."""
    port, metrics, health, silent = free_ports(4)
    with small_cluster() as cluster:
        text = COREFILE.format(port=port, metrics=metrics, health=health, silent=silent, upstream=cluster.address[1])
        with program_serving(text):
            for name in ("kubernetes.default.svc.cluster.local", "no.cluster.local", "a.silent.test") * 2:
                question = dns.message.make_query(name, "A", want_dnssec=True)
                dns.query.udp(question, "127.0.0.1", port=port, timeout=10)
                dns.query.tcp(question, "127.0.0.1", port=port, timeout=10)
            page = urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=5).read().decode()
    told = {
        sample.name: frozenset(sample.labels)
        for each in text_string_to_metric_families(page)
        for sample in each.samples
    }
    told |= {name: frozenset({"job"}) for name in ("up", "ALERTS")}
    return told | {rule["record"]: frozenset() for rule in RECORDS}


@pytest.mark.parametrize("expression", expressions().values(), ids=expressions())
def test_an_expression_counts_on_labels_that_its_metrics_have(expression: str) -> None:
    labels_of(expression, known())


def test_every_metric_is_told_by_the_running_program(scrape: Labels) -> None:
    wanted = {name for expression in expressions().values() for name in metrics_of(expression)}
    assert wanted - set(scrape) - set(NEEDS) == set()
    assert wanted - set(catalogue()) - {rule["record"] for rule in RECORDS} == set()


def test_what_the_catalogue_says_of_labels_is_what_is_told(scrape: Labels) -> None:
    wrong = {name: (labels, catalogue()[name]) for name, labels in scrape.items()
             if name in catalogue() and name not in {"up", "ALERTS"} and labels != catalogue()[name]}  # fmt: skip
    assert wrong == {}


def test_metrics_that_dashboards_in_circulation_ask_for_are_there_with_their_labels(scrape: Labels) -> None:
    missing = {name for name in IN_CIRCULATION if name not in scrape and name not in NEEDS}
    assert missing == set()
    bare = {name: words for name, words in IN_CIRCULATION.items()
            if set(words.split()) - catalogue()[name] - OF_TARGETS}  # fmt: skip
    assert bare == {}
    assert set(NOT_OURS) & set(scrape) == set()


@pytest.mark.parametrize("expression", FORMS_IN_CIRCULATION)
def test_what_dashboards_in_circulation_calculate_finds_its_labels(expression: str) -> None:
    labels_of(expression, catalogue())


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("sum by (zone) (rate(coredns_cache_hits_total[5m]))", "no label zone"),
        ('rate(coredns_dns_requests_total{rcode="SERVFAIL"}[5m])', "no label rcode"),
        (
            "histogram_quantile(0.9, sum by (to) (rate(coredns_proxy_request_duration_seconds_bucket[5m])))",
            "no label le",
        ),
        ("nodens_upstream_up / on (rcode) nodens_upstream_rtt_seconds", "no label rcode"),
        ("sum by (to) (sum by (job) (nodens_upstream_up))", "no label to"),
    ],
    ids=["by", "in braces", "of a histogram", "on", "lost on the way"],
)
def test_a_label_that_is_not_there_is_found(expression: str, why: str) -> None:
    with pytest.raises(LookupError, match=why):
        labels_of(expression, catalogue())


def test_every_sign_that_operating_md_names_has_a_panel_or_an_alert() -> None:
    """All of ours but those that nobody looks at alone."""
    shown = {name for texts in panels().values() for text in texts for name in metrics_of(text)}
    shown |= {name for rule in (*RECORDS, *ALERTS) for name in metrics_of(rule["expr"])}
    left_out = {"nodens_events_total", "nodens_events_dropped_total", "nodens_upstream_rtt_seconds",
                "nodens_steering_last_repair_timestamp_seconds"}  # fmt: skip
    ours = {name for name in catalogue() if name.startswith("nodens_") and not name.endswith(("_sum", "_count"))}
    assert ours - shown == left_out
