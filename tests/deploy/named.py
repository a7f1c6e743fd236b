"""All that dashboards and rules name: ours, and those in circulation for node-cache and CoreDNS."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import yaml
from promql import Labels, labels_of

HOUSE = Path(__file__).parents[2]
DASHBOARD = json.loads((HOUSE / "deploy/grafana/nodens.json").read_text())
RULES = yaml.safe_load((HOUSE / "deploy/prometheus/nodens.rules.yaml").read_text())
RECORDS = [rule for group in RULES["groups"] for rule in group["rules"] if "record" in rule]
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"] if "alert" in rule]
# Told only by an agent that steers.
OF_STEERING = (
    *("nodens_steered", "nodens_steering_rung", "nodens_steering_withheld", "nodens_steering_let_go_total"),
    *("nodens_steering_stale_rules", "nodens_listener_deaf", "nodens_steering_repairs_total", "nodens_handovers_total"),
)
OF_PROMETHEUS = {"up": frozenset({"job"}), "ALERTS": frozenset({"alertname", "alertstate", "severity"})}


def plain(text: str) -> str:
    """Put something in the place of Grafana's variables."""
    return re.sub(r"\$__\w+", "5m", re.sub(r"\$(cluster|job|node)\b", ".*", text))


def panels() -> dict[str, list[str]]:
    """The dashboard's expressions by panel."""
    told = {
        each["title"]: [plain(target["expr"]) for target in each["targets"]]
        for each in DASHBOARD["panels"]
        if each["type"] != "row"
    }
    variables = [each["query"]["query"] for each in DASHBOARD["templating"]["list"] if each["type"] == "query"]
    asked = [re.fullmatch(r"label_values\((.*), (\w+)\)", each) for each in variables]
    told["variables"] = [f"count by ({each[2]}) ({plain(each[1])})" for each in asked if each]
    assert len(told["variables"]) == len(variables)
    return told | {"annotations": [plain(each["expr"]) for each in DASHBOARD["annotations"]["list"]]}


def expressions() -> dict[str, str]:
    """All of ours, by where they stand."""
    of_panels = {f"{title}, {place}": text for title, texts in panels().items() for place, text in enumerate(texts)}
    of_rules = {rule["record"]: rule["expr"] for rule in RECORDS}
    return of_panels | of_rules | {f"{rule['alert']}, {rule['labels']['severity']}": rule["expr"] for rule in ALERTS}


@cache
def catalogue() -> Labels:
    """Which labels each series may have, as `nodens show metrics` tells of the program."""
    command = [sys.executable, "-m", "nodens", "show", "metrics"]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    told: dict[str, frozenset[str]] = dict(OF_PROMETHEUS)
    for name, kind, labels in re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \|", table, re.MULTILINE):
        own = frozenset(re.findall(r"`(\w+)`", labels))
        if kind == "histogram":
            told |= {f"{name}_bucket": own | {"le"}, f"{name}_sum": own, f"{name}_count": own}
        else:
            told[name] = own
    return told


@cache
def known() -> Labels:
    """The catalogue, and what the rules record."""
    told = dict(catalogue())
    for rule in RECORDS:
        told[rule["record"]] = labels_of(rule["expr"], told)
    return told


# Dashboards and mixins in circulation (grafana.com 12007, 14570, 12028, 15762, 5926; the charts' own): what they ask
# for, and the labels they use.
IN_CIRCULATION = {
    "coredns_build_info": "version",
    "coredns_cache_entries": "server type zones",
    "coredns_cache_hits_total": "server type zones",
    "coredns_cache_misses_total": "server zones",
    "coredns_cache_requests_total": "server zones",
    "coredns_cache_evictions_total": "type",
    "coredns_cache_drops_total": "server",
    "coredns_cache_prefetch_total": "server",
    "coredns_cache_served_stale_total": "server",
    "coredns_dns_do_requests_total": "server zone",
    "coredns_dns_request_duration_seconds_bucket": "server zone le",
    "coredns_dns_request_size_bytes_bucket": "server zone proto le",
    "coredns_dns_requests_total": "server zone proto family type",
    "coredns_dns_response_size_bytes_bucket": "server zone proto le",
    "coredns_dns_responses_total": "server zone rcode plugin",
    "coredns_forward_healthcheck_broken_total": "",
    "coredns_forward_max_concurrent_rejects_total": "",
    "coredns_health_request_duration_seconds_bucket": "le",
    "coredns_health_request_failures_total": "",
    "coredns_nodecache_setup_errors_total": "errortype",
    "coredns_panics_total": "",
    "coredns_plugin_enabled": "name",
    "coredns_proxy_conn_cache_hits_total": "to proto",
    "coredns_proxy_conn_cache_misses_total": "to proto",
    "coredns_proxy_healthcheck_failures_total": "to",
    "coredns_proxy_request_duration_seconds_bucket": "to rcode le",
    "coredns_proxy_request_duration_seconds_count": "to rcode",
    "coredns_reload_failed_total": "",
    "process_cpu_seconds_total": "",
    "process_open_fds": "",
    "process_max_fds": "",
    "process_resident_memory_bytes": "",
    "process_start_time_seconds": "",
    "process_virtual_memory_bytes": "",
    "up": "job",
}
# What they ask for that a program without Go and without those features cannot have. Such a panel stays empty.
NOT_OURS = {
    "go_goroutines": "no goroutines",
    "go_memstats_alloc_bytes": "no Go heap",
    "go_gc_duration_seconds": "no Go garbage collector",
    "coredns_forward_requests_total": "gone from CoreDNS itself since 1.11; coredns_proxy_* came in its place",
}
# What they calculate, in the forms that are found in them.
FORMS_IN_CIRCULATION = (
    'sum(rate(coredns_dns_requests_total{instance=~".*",job=~".*"}[5m])) by (proto)',
    'sum(rate(coredns_dns_requests_total{instance=~".*"}[5m])) by (zone)',
    'sum(rate(coredns_dns_requests_total{k8s_app="node-local-dns"}[5m])) by (type)',
    'sum(rate(coredns_dns_do_requests_total{instance=~".*"}[5m])) by (zone)',
    "sum(rate(coredns_dns_responses_total[5m])) by (rcode)",
    "histogram_quantile(0.99, sum(rate(coredns_dns_request_duration_seconds_bucket[5m])) by (server, zone, le))",
    'histogram_quantile(0.9, sum(rate(coredns_dns_request_size_bytes_bucket{proto="udp"}[5m])) by (le, proto))',
    'histogram_quantile(0.5, sum(rate(coredns_dns_response_size_bytes_bucket{proto="tcp"}[5m])) by (le, proto))',
    "histogram_quantile(0.99, sum(rate(coredns_proxy_request_duration_seconds_bucket[5m])) by (to, le))",
    'sum(rate(coredns_proxy_request_duration_seconds_count{rcode="SERVFAIL"}[5m])) by (to)',
    "sum(coredns_cache_entries) by (type)",
    (
        "sum(rate(coredns_cache_hits_total[5m]))"
        " / (sum(rate(coredns_cache_hits_total[5m])) + sum(rate(coredns_cache_misses_total[5m])))"
    ),
    'sum(rate(coredns_nodecache_setup_errors_total{name="node-local-dns-metrics"}[5m])) by (errortype)',
    'absent(up{job="node-local-dns"} == 1)',
)
