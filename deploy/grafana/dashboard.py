"""Writes deploy/grafana/nodens.json: `python deploy/grafana/dashboard.py > deploy/grafana/nodens.json`.

A panel is a line here: title, unit, and expressions with their legends. `$m` in an expression is the choice of cluster,
job and nodes made at the top of the dashboard. What a panel is for stands in its description if its title does not say.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from itertools import count
from typing import Any

CHOICE = 'cluster=~"$cluster",job=~"$job",instance=~"$node"'
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24  # of Grafana's grid
Queries = dict[str, str]  # legend -> expression


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel: its kind, its queries by legend, how it is drawn."""

    title: str
    queries: Queries
    unit: str = "short"
    kind: str = "timeseries"
    about: str = ""
    width: int = 8
    height: int = 8
    top: float | None = None  # of the axis
    is_stacked: bool = False
    good_to_bad: tuple[tuple[float | None, str], ...] = ()  # thresholds: from this value on, this colour
    words: tuple[tuple[str, str, str], ...] = ()  # value -> word and colour


def rate(metric: str, by: str = "") -> str:
    """Sum a counter's rate by labels."""
    return summed(f"rate({metric}{{$m}}[$__rate_interval])", by)


def growth(metric: str, by: str = "", function: str = "increase") -> str:
    """Sum how much a counter grew, or how often a gauge changed, between two points of the graph."""
    return summed(f"{function}({metric}{{$m}}[$__rate_interval])", by)


def summed(expression: str, by: str) -> str:
    """Sum by labels, or over all."""
    return f"sum by ({by}) ({expression})" if by else f"sum({expression})"


def quantile(of: float, metric: str, by: str = "") -> str:
    """Take a quantile of a histogram."""
    labels = f"{by}, le" if by else "le"
    return f"histogram_quantile({of}, sum by ({labels}) (rate({metric}_bucket{{$m}}[$__rate_interval])))"


def share(part: str, whole: str, by: str = "") -> str:
    """Divide one rate by another."""
    return f"{rate(part, by)} / {rate(whole, by)}"


SERVFAIL = (
    '(sum(rate(coredns_dns_responses_total{$m,rcode="SERVFAIL"}[$__rate_interval])) or vector(0))'
    " / sum(rate(coredns_dns_responses_total{$m}[$__rate_interval]))"
)
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
ASKED, ANSWERED = "coredns_dns_requests_total", "coredns_dns_responses_total"
TOOK, UPSTREAM_TOOK = "coredns_dns_request_duration_seconds", "coredns_proxy_request_duration_seconds"
HITS, LOOK_UPS = "coredns_cache_hits_total", "coredns_cache_requests_total"
HIGH_IS_GOOD = ((None, "red"), (0.5, "orange"), (0.8, "green"))
ERRORS_ARE_BAD = ((None, "green"), (0.01, "orange"), (0.03, "red"))
ANY_IS_BAD = ((None, "green"), (1, "red"))
ALL_IS_GOOD = ((None, "red"), (1, "green"))
RUNGS = tuple(
    (str(rung), f"{rung}: {word}", colour)
    for rung, word, colour in (
        (0, "no rules of ours", "blue"),
        (1, "goes with its owner, all of it", "green"),
        (2, "goes with its owner, the link stays", "green"),
        (3, "runs out, an empty table stays", "yellow"),
        (4, "runs out, iptables", "yellow"),
        (5, "stays after a crash", "red"),
    )
)

ROWS: dict[str, list[Panel]] = {
    "At a glance": [
        Panel(title="Queries", queries={"": rate(ASKED)}, unit="reqps",
              kind="stat", width=4, height=4),
        Panel(title="Answered from the cache", queries={"": share(HITS, LOOK_UPS)}, unit="percentunit",
              kind="stat", width=4, height=4, good_to_bad=HIGH_IS_GOOD),
        Panel(title="p99", queries={"": quantile(0.99, TOOK)}, unit="s", kind="stat", width=4, height=4,
              good_to_bad=((None, "green"), (0.1, "orange"), (1, "red"))),
        Panel(title="SERVFAIL", queries={"": SERVFAIL}, unit="percentunit",
              kind="stat", width=4, height=4, good_to_bad=ERRORS_ARE_BAD),
        Panel(title="Agents up", queries={"": "sum(up{$m}) / count(up{$m})"}, unit="percentunit",
              kind="stat", width=4, height=4, good_to_bad=ALL_IS_GOOD),
        Panel(title="Nodes that are steered", queries={"": "sum(nodens_steered{$m}) / count(nodens_steered{$m})"},
              unit="percentunit", kind="stat", width=4, height=4, good_to_bad=ALL_IS_GOOD,
              about="Of those whose agents are up. The pods of the others ask cluster DNS."),
    ],
    "Queries": [
        Panel(title="By transport and family", queries={"{{proto}}, family {{family}}": rate(ASKED, "proto, family")},
              unit="reqps", is_stacked=True),
        Panel(title="By type", queries={"{{type}}": rate(ASKED, "type")}, unit="reqps", is_stacked=True),
        Panel(title="By zone", queries={"{{zone}}": rate(ASKED, "zone"),
              "DO bit, {{zone}}": rate("coredns_dns_do_requests_total", "zone")}, unit="reqps"),
        Panel(title="By rcode", queries={"{{rcode}}": rate(ANSWERED, "rcode")}, unit="reqps", is_stacked=True),
        Panel(title="By node", queries={"{{instance}}": rate(ASKED, "instance")}, unit="reqps"),
        Panel(title="Messages that no zone saw", queries={"{{reason}}": rate("nodens_rejected_packets_total", "reason"),
              "too many in flight": rate("nodens_overload_total")}, unit="reqps",
              about="Malformed, of a zone that nobody serves, or more than can be served."),
    ],
    "Latency": [
        Panel(title="Of all queries", unit="s",
              queries={name: quantile(of, TOOK) for name, of in QUANTILES.items()}),
        Panel(title="p99 by node", unit="s", queries={"{{instance}}": quantile(0.99, TOOK, "instance")}),
        Panel(title="p50 and p99 by where the answer came from", unit="s",
              about="The buckets of this one begin at a microsecond.",
              queries={f"{name}, {{{{source}}}}": quantile(of, "nodens_response_duration_seconds", "source")
                       for name, of in (("p50", 0.5), ("p99", 0.99))}),
        Panel(title="Size of queries", unit="bytes", width=12,
              queries={f"{name}, {{{{proto}}}}": quantile(of, "coredns_dns_request_size_bytes", "proto")
                       for name, of in QUANTILES.items()}),
        Panel(title="Size of answers", unit="bytes", width=12,
              queries={f"{name}, {{{{proto}}}}": quantile(of, "coredns_dns_response_size_bytes", "proto")
                       for name, of in QUANTILES.items()}),
    ],
    "Cache": [
        Panel(title="Answered from the cache", unit="percentunit", top=1,
              queries={"{{zones}}": share(HITS, LOOK_UPS, "zones")}),
        Panel(title="Answered from the cache by node", unit="percentunit", top=1,
              queries={"{{instance}}": share(HITS, LOOK_UPS, "instance")}),
        Panel(title="Look-ups", unit="reqps", is_stacked=True,
              queries={"hit, {{type}}": rate(HITS, "type"),
                       "miss": f"{rate(LOOK_UPS)} - {rate(HITS)}"}),
        Panel(title="Entries", queries={"{{type}}, {{zones}}": "sum by (type, zones) (coredns_cache_entries{$m})"}),
        Panel(title="How full: the fullest node", unit="percentunit", top=1,
              queries={"{{type}}, {{zones}}":
                       "max by (type, zones) (coredns_cache_entries{$m} / nodens_cache_entries_limit{$m})",
                       "memory": "max(nodens_memory_used_bytes{$m} / nodens_memory_limit_bytes{$m})"}),
        Panel(title="Pushed out, fetched ahead, given stale", unit="reqps",
              queries={"evicted": rate("coredns_cache_evictions_total"),
                       "prefetched": rate("coredns_cache_prefetch_total"),
                       "stale": rate("coredns_cache_served_stale_total"),
                       "not kept: no memory": rate("nodens_not_kept_total"),
                       "not kept: malformed": rate("coredns_cache_drops_total")}),
    ],
    "Upstreams": [
        Panel(title="Asked", unit="reqps", queries={"{{to}}": rate(f"{UPSTREAM_TOOK}_count", "to")}),
        Panel(title="Latency", unit="s",
              queries={f"{name}, {{{{to}}}}": quantile(of, UPSTREAM_TOOK, "to") for name, of in QUANTILES.items()}),
        Panel(title="What they said", unit="reqps",
              queries={"{{rcode}}, {{to}}": rate(f"{UPSTREAM_TOOK}_count", "rcode, to")}),
        Panel(title="Exchanges that failed", unit="reqps",
              queries={"{{reason}}, {{to}}": rate("nodens_upstream_faults_total", "reason, to"),
                       "health check, {{to}}": rate("coredns_proxy_healthcheck_failures_total", "to"),
                       "all upstreams down": rate("coredns_forward_healthcheck_broken_total"),
                       "too many at once": rate("coredns_forward_max_concurrent_rejects_total")}),
        Panel(title="Nodes that see an upstream down",
              queries={"{{to}}": "sum by (to) (1 - nodens_upstream_up{$m})"}),
        Panel(title="Connections and questions", unit="reqps",
              queries={"kept open, used again: {{proto}}": rate("coredns_proxy_conn_cache_hits_total", "proto"),
                       "new: {{proto}}": rate("coredns_proxy_conn_cache_misses_total", "proto"),
                       "joined a question in flight": rate("nodens_merged_queries_total"),
                       "questions in flight": "sum(nodens_questions_in_flight{$m})"}),
    ],
    "Steering": [
        Panel(title="The rung of each node", kind="state-timeline", width=12, words=RUNGS,
              about="How rules and link let the node go if the agent dies: docs/operating.md, the ladder.",
              queries={"{{instance}} {{rules}} {{link}}": "max by (instance, rules, link) (nodens_steering_rung{$m})"}),
        Panel(title="Are the node's pods pointed at its agent?", kind="state-timeline", width=12,
              words=(("0", "no: cluster DNS", "red"), ("1", "yes", "green")),
              queries={"{{instance}}": "max by (instance) (nodens_steered{$m})"}),
        Panel(title="Why not", is_stacked=True,
              queries={"{{reason}}": "sum by (reason) (nodens_steering_withheld{$m})"},
              about="Nodes by the reason for which traffic is not pointed at their agents."),
        Panel(title="Fail-open: given back to cluster DNS", good_to_bad=ANY_IS_BAD,
              queries={"{{instance}}, {{reason}}":
                       growth("nodens_steering_let_go_total", "instance, reason"),
                       "deaf: {{instance}}, {{address}}": "max by (instance, address) (nodens_listener_deaf{$m}) > 0"}),
        Panel(title="Put back, or not", queries={
              "{{part}} put back": growth("nodens_steering_repairs_total", "part"),
              "{{errortype}} refused":
              growth("coredns_nodecache_setup_errors_total", "errortype"),
              "rules of other agents": "sum(nodens_steering_stale_rules{$m})"},
              about="What somebody took from link or rules. Again and again: two who want different things."),
    ],
    "Agents": [
        Panel(title="Memory", unit="bytes",
              queries={"{{instance}}": "sum by (instance) (process_resident_memory_bytes{$m})",
                       "of it answers, {{instance}}": "sum by (instance) (nodens_cache_bytes{$m})"}),
        Panel(title="CPU", unit="percentunit", queries={"{{instance}}": rate("process_cpu_seconds_total", "instance")}),
        Panel(title="Open files", queries={"{{instance}}": "sum by (instance) (process_open_fds{$m})"}),
        Panel(title="Hand-overs", kind="timeseries", good_to_bad=ANY_IS_BAD,
              about="By side and outcome. Failed: what was lent was not taken, the old one goes on and both serve."
                    " Refused: nothing was lent (another version, another way of steering), both serve.",
              queries={"{{role}}, {{outcome}}, {{instance}}":
                       growth("nodens_handovers_total", "role, outcome, instance")}),
        Panel(title="Starts, hand-overs and changes of plan", kind="timeseries", good_to_bad=ANY_IS_BAD,
              about="A hand-over is a start, too: the new process has taken everything over from the old one.",
              queries={"start, {{instance}}": growth("process_start_time_seconds", "instance", "changes"),
                       "plan, {{instance}}":
                       growth("nodens_plan_applied_timestamp_seconds", "instance", "changes")}),
        Panel(title="Plans and versions", kind="table",
              queries={"version": "count by (version) (coredns_build_info{$m})",
                       "plan": "count by (id) (nodens_plan_info{$m})"},
              about="Two plans for longer than a minute: some node refused a change, or does not see it."),
        Panel(title="Trouble", good_to_bad=ANY_IS_BAD, queries={
              "refused configuration, {{instance}}": "max by (instance) (nodens_reload_refused{$m}) > 0",
              "listener down, {{address}}": "max by (address) (nodens_http_listener_down{$m}) > 0",
              "panics": growth("coredns_panics_total"),
              "bugs survived, {{task}}": growth("nodens_control_failures_total", "task"),
              "log lines lost": growth("nodens_log_dropped_total")}),
    ],
}  # fmt: skip


def variable(name: str, label: str, query: str, *, many: bool = True) -> dict[str, Any]:
    """Let the reader choose values of a label; All is all, and what has no such label."""
    made = {
        "name": name, "label": label, "type": "query", "datasource": SOURCE, "refresh": 2, "sort": 1, "hide": 0,
        "query": {"query": query, "refId": name}, "definition": query, "regex": "",
        "includeAll": many, "multi": many, "options": [],
    }  # fmt: skip
    return made | ({"allValue": ".*", "current": {"text": "All", "value": "$__all"}} if many else {})


def draw(panel: Panel, number: int, x: int, y: int) -> dict[str, Any]:
    """Write one panel as Grafana reads it."""
    targets = [
        {"refId": chr(ord("A") + place), "datasource": SOURCE, "expr": expression.replace("$m", CHOICE),
         "legendFormat": legend or "__auto", "instant": panel.kind == "table", "range": panel.kind != "table",
         **({"format": "table"} if panel.kind == "table" else {})}
        for place, (legend, expression) in enumerate(panel.queries.items())
    ]  # fmt: skip
    steps = [{"value": value, "color": colour} for value, colour in panel.good_to_bad or ((None, "green"),)]
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}}
    options: dict[str, Any] = {}
    if panel.top is not None:
        defaults["max"] = panel.top
    if panel.words:
        options_by_value = {
            value: {"text": text, "color": colour, "index": place}
            for place, (value, text, colour) in enumerate(panel.words)
        }
        defaults["mappings"] = [{"type": "value", "options": options_by_value}]
    match panel.kind:
        case "timeseries":
            stacking = {"mode": "normal" if panel.is_stacked else "none", "group": "A"}
            fill = 40 if panel.is_stacked else 0
            defaults["custom"] = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": fill, "showPoints": "never",
                                  "stacking": stacking}  # fmt: skip
            options = {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                       "tooltip": {"mode": "multi", "sort": "desc"}}  # fmt: skip
        case "stat":
            options = {"reduceOptions": {"calcs": ["lastNotNull"], "values": False, "fields": ""}, "colorMode": "value",
                       "graphMode": "area", "textMode": "value"}  # fmt: skip
        case "state-timeline":
            defaults["custom"] = {"lineWidth": 0, "fillOpacity": 80}
            options = {"showValue": "auto", "mergeValues": True, "legend": {"showLegend": True, "placement": "bottom"}}
    return {
        "id": number, "type": panel.kind, "title": panel.title, "description": panel.about, "datasource": SOURCE,
        "gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height}, "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": []}, "options": options,
    }  # fmt: skip


def lay_out() -> list[dict[str, Any]]:
    """Put all panels on the grid, row by row."""
    numbers, made, y = count(1), [], 0
    for title, panels in ROWS.items():
        made.append({"id": next(numbers), "type": "row", "title": title, "collapsed": False, "panels": [],
                     "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1}})  # fmt: skip
        x, y = 0, y + 1
        for panel in panels:
            if x + panel.width > WIDTH:
                x, y = 0, y + panel.height
            made.append(draw(panel, next(numbers), x, y))
            x += panel.width
        y += panels[-1].height
    return made


def dashboard() -> dict[str, Any]:
    """Write the whole of it."""
    jobs = 'label_values(nodens_plan_info{cluster=~"$cluster"}, job)'
    nodes = 'label_values(nodens_plan_info{cluster=~"$cluster",job=~"$job"}, instance)'
    source = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "hide": 0,
              "refresh": 1, "regex": "", "includeAll": False, "multi": False, "options": []}  # fmt: skip
    return {
        "title": "nodens: node-local DNS", "uid": "nodens", "tags": ["dns", "kubernetes", "node-local-dns", "nodens"],
        "description": "A DNS cache on every node: what it answers, how fast, and whether pods are pointed at it.",
        "schemaVersion": 39, "version": 1, "editable": True, "graphTooltip": 1, "refresh": "30s", "timezone": "",
        "time": {"from": "now-3h", "to": "now"}, "links": [],
        "annotations": {"list": [{"name": "Alerts", "datasource": SOURCE, "enable": True, "iconColor": "red",
                                  "expr": 'ALERTS{alertstate="firing",job=~"$job",alertname=~"NodeLocalDNS.*"}',
                                  "titleFormat": "{{alertname}}", "textFormat": "{{instance}} {{to}} {{reason}}"}]},
        "templating": {"list": [source,
                                variable("cluster", "Cluster", "label_values(nodens_plan_info, cluster)"),
                                variable("job", "Job", jobs), variable("node", "Node", nodes)]},
        "panels": lay_out(),
    }  # fmt: skip


if __name__ == "__main__":
    json.dump(dashboard(), sys.stdout, indent=1)
    print()
