"""One incident raises one alert: each runs through Prometheus' own rule engine, by `promtool test rules`."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from incidents import (
    NODES,
    A,
    Fleet,
    calm,
    change,
    dead,
    failing,
    late,
    refusing,
    series,
    silent_upstream,
    stale,
    withheld,
    without,
)  # fmt: skip
from named import ALERTS, HOUSE

RULES = HOUSE / "deploy/prometheus/nodens.rules.yaml"
N1 = NODES[0]
LATENCY = "coredns_dns_request_duration_seconds"
CRITICAL, WARNING, INFO = ({"severity": name} for name in ("critical", "warning", "info"))
Alert = dict[str, str]


def alert(name: str, severity: Alert, **labels: str) -> Alert:
    return {"alertname": f"NodeLocalDNS{name}" if not name.startswith("Core") else name, **severity, **labels}


def both(fleet: Fleet, *metrics: str) -> Fleet:
    for metric in metrics:
        fleet = change(fleet, metric, "0+1x60", node=N1)
    return fleet


def full(fleet: Fleet) -> Fleet:
    fleet = change(fleet, "coredns_cache_entries", "9980x60", node=N1)
    return change(fleet, "coredns_cache_evictions_total", "0+30x60", node=N1)


def hung(fleet: Fleet, *, is_over: bool) -> Fleet:
    """Workers hang; after two minutes they turn again, or not."""
    fleet = change(fleet, "nodens_steering_let_go_total", "0x30 1x30", node=N1, reason="workers")
    return fleet if is_over else withheld(fleet, N1, "workers", "0x30 1x30")


def crashing(fleet: Fleet) -> Fleet:
    """Started again every ten minutes, and down for a minute each time."""
    starts = " ".join(f"{1000 + 600 * run}x9" for run in range(6))
    return change(change(fleet, "process_start_time_seconds", starts, node=N1), "up", " ".join(["1x8 0"] * 6), node=N1)


def upgraded(fleet: Fleet) -> Fleet:
    """A new pod took over on every node; one scrape fell into it, and steering took a minute."""
    fleet = change(fleet, "process_start_time_seconds", "1000x30 2800x30")
    fleet = change(fleet, "nodens_steering_withheld", "0x29 1x1 0x30", reason="starting")
    return change(fleet, "up", "1x29 0 1x30", node=N1)


def strangers(fleet: Fleet) -> Fleet:
    """Cluster DNS itself is in trouble under its own job, with series of the same names."""
    bad = stale(failing(silent_upstream(calm(), A), 50)) | {series("coredns_panics_total", N1): "0+1x60"}
    return fleet | {name.replace("node-local-dns", "kube-dns"): values for name, values in bad.items()}


INCIDENTS = [
    pytest.param(lambda fleet: fleet, [], id="a calm fleet"),
    pytest.param(lambda fleet: without(fleet, "nodens_steer"), [], id="agents on the pod network, which steer nothing"),
    pytest.param(upgraded, [], id="an upgrade"),
    pytest.param(strangers, [], id="cluster DNS in trouble under its own job"),
    pytest.param(
        lambda fleet: change(fleet, "up", "1x56 0x4", node=N1), [], id="an agent that is down since four minutes"
    ),
    pytest.param(lambda fleet: dead(fleet, N1), [alert("Down", WARNING, instance=N1)], id="an agent is dead"),
    pytest.param(lambda fleet: dead(fleet, *NODES), [alert("MetricsDown", CRITICAL)], id="all agents are dead"),
    pytest.param(
        lambda _: {series("up", N1): "_x60"}, [alert("MetricsDown", CRITICAL)], id="no agent was ever scraped"
    ),
    pytest.param(crashing, [alert("Restarting", WARNING, instance=N1)], id="an agent dies again and again"),
    pytest.param(
        lambda fleet: both(fleet, "coredns_panics_total"),
        [alert("CoreDNSPanicCount", WARNING, instance=N1)],
        id="a panic",
    ),
    pytest.param(
        lambda fleet: both(fleet, "nodens_control_failures_total"),
        [alert("CoreDNSPanicCount", WARNING, instance=N1)],
        id="a bug in a control task",
    ),
    pytest.param(
        lambda fleet: change(fleet, "nodens_control_failures_total", "_x55 1x5", node=N1),
        [alert("CoreDNSPanicCount", WARNING, instance=N1)],
        id="the first bug in a control task, of which nothing was told before",
    ),
    pytest.param(
        lambda fleet: change(fleet, "nodens_steering_stale_rules", "8x60", node=N1),
        [alert("StaleRules", WARNING, instance=N1)],
        id="rules of a dead node-cache are still there",
    ),
    pytest.param(
        lambda fleet: hung(fleet, is_over=False), [alert("FailOpen", CRITICAL, instance=N1)], id="workers hang"
    ),
    pytest.param(
        lambda fleet: change(fleet, "nodens_steering_let_go_total", "0x50 1x10", node=N1, reason="deaf"),
        [alert("FailOpen", CRITICAL, instance=N1)],
        id="an address was deaf for a moment",
    ),
    pytest.param(
        lambda fleet: hung(fleet, is_over=True),
        [alert("FailOpen", CRITICAL, instance=N1)],
        id="workers hung for a moment",
    ),
    pytest.param(
        lambda fleet: change(withheld(fleet, N1, "trouble"), "coredns_nodecache_setup_errors_total", "0+1x60", node=N1),
        [alert("NotSteered", WARNING, instance=N1, reason="trouble")],
        id="the node refuses a rule from the start",
    ),
    pytest.param(
        lambda fleet: withheld(fleet, N1, "starting"),
        [alert("NotSteered", WARNING, instance=N1, reason="starting")],
        id="an agent that never comes up",
    ),
    pytest.param(
        lambda fleet: change(fleet, "coredns_nodecache_setup_errors_total", "0+1x60", node=N1),
        [alert("SetupErrorsHigh", CRITICAL, instance=N1, errortype="iptables")],
        id="what is taken away cannot be put back",
    ),
    pytest.param(
        lambda fleet: change(
            change(fleet, "nodens_reload_refused", "0x20 1x40"), "coredns_reload_failed_total", "0x20 1x40"
        ),
        [alert("ReloadFailed", WARNING)],
        id="a ConfigMap with a mistake reaches every node",
    ),
    pytest.param(full, [alert("CacheFull", INFO, instance=N1, type="success")], id="a cache is full"),
    pytest.param(
        lambda fleet: change(fleet, "coredns_cache_entries", "9980x60", node=N1),
        [],
        id="a full cache that holds everything",
    ),
    pytest.param(
        lambda fleet: both(fleet, "nodens_not_kept_total"),
        [alert("CacheFull", INFO, instance=N1, type="memory")],
        id="the memory budget is used up",
    ),
    pytest.param(
        lambda fleet: silent_upstream(fleet, A), [alert("UpstreamDown", WARNING, to=A)], id="cluster DNS answers nobody"
    ),
    pytest.param(
        lambda fleet: withheld(
            change(silent_upstream(fleet, A, "10.0.0.2:53"), "coredns_forward_healthcheck_broken_total", "0+9x60"),
            N1,
            "upstreams",
        ),
        [alert("ForwardHealthcheckBrokenCount", CRITICAL)],
        id="no upstream answers, and one agent starts meanwhile",
    ),
    pytest.param(
        lambda fleet: change(fleet, "coredns_proxy_healthcheck_failures_total", "0+1x60", to=A),
        [alert("ForwardHealthcheckFailureCount", WARNING, to=A)],
        id="health checks of cluster DNS fail now and then",
    ),
    pytest.param(
        lambda fleet: stale(failing(refusing(fleet, 10), 10)),
        [alert("ForwardErrorsHigh", CRITICAL, to=A)],
        id="cluster DNS says SERVFAIL",
    ),
    pytest.param(
        lambda fleet: failing(refusing(fleet, 1), 2),
        [alert("ForwardErrorsHigh", WARNING, to=A)],
        id="cluster DNS says SERVFAIL now and then",
    ),
    pytest.param(
        lambda fleet: stale(
            late(
                late(fleet, LATENCY, 600, 4.096),
                "coredns_proxy_request_duration_seconds",
                60,
                4.096,
                to=A,
                rcode="NOERROR",
            )
        ),
        [alert("ForwardLatencyHigh", WARNING, to=A)],
        id="cluster DNS is slow",
    ),
    pytest.param(lambda fleet: failing(fleet, 10), [alert("ErrorsHigh", CRITICAL)], id="errors of our own"),
    pytest.param(lambda fleet: failing(fleet, 2), [alert("ErrorsHigh", WARNING)], id="a few errors of our own"),
    pytest.param(
        lambda fleet: change(fleet, "coredns_dns_responses_total", "0x55 0+60x5", rcode="SERVFAIL"),
        [],
        id="a burst of errors",
    ),
    pytest.param(
        lambda fleet: late(fleet, LATENCY, 600, 8.192), [alert("LatencyHigh", CRITICAL)], id="we are very slow"
    ),
    pytest.param(lambda fleet: late(fleet, LATENCY, 600, 2.048), [alert("LatencyHigh", WARNING)], id="we are slow"),
    pytest.param(stale, [alert("StaleServing", WARNING)], id="stale answers without a reason"),
]
NAMES = ("alertname", "severity", "instance", "to", "reason", "errortype", "type")


def firing(fleet: Fleet, folder: Path, within: str = "1h", rules: Path = RULES) -> list[Alert]:
    """Which alerts fired within the hour, or its end."""
    test = {
        "rule_files": [str(rules)],
        "evaluation_interval": "30s",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in fleet.items()],
                "promql_expr_test": [
                    {
                        "expr": f'max by ({", ".join(NAMES)}) (max_over_time(ALERTS{{alertstate="firing"}}[{within}]))',
                        "eval_time": "59m",
                        "exp_samples": [{"labels": '{expected="nothing, so that promtool tells all"}', "value": 0}],
                    }
                ],
            }
        ],
    }
    path = folder / "incident.yaml"
    path.write_text(json.dumps(test))
    done = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    got = re.search(r"got:(.*)", said, re.DOTALL)
    assert got, said
    return [dict(re.findall(r'(\w+)="([^"]*)"', labels)) for labels in re.findall(r"\{([^}]*)\} 1E", got[1])]


def test_every_alert_fires_in_some_incident_and_no_incident_raises_two() -> None:
    fired = {(each["alertname"], each["severity"]) for case in INCIDENTS for each in case.values[1]}  # type: ignore[union-attr]  # a list
    assert fired == {(rule["alert"], rule["labels"]["severity"]) for rule in ALERTS}
    assert max(len(case.values[1]) for case in INCIDENTS) == 1  # type: ignore[arg-type]  # a list


@pytest.mark.slow
@pytest.mark.parametrize(("happen", "expected"), INCIDENTS)
def test_an_incident_raises_its_one_alert(
    happen: Callable[[Fleet], Fleet], expected: list[Alert], tmp_path: Path, needs: Callable[..., None]
) -> None:
    needs(programs=("promtool",))
    assert firing(happen(calm()), tmp_path) == expected


@pytest.mark.slow
def test_that_an_agent_gave_its_pods_back_is_told_for_a_quarter_of_an_hour(
    tmp_path: Path, needs: Callable[..., None]
) -> None:
    needs(programs=("promtool",))
    assert firing(hung(calm(), is_over=True), tmp_path, within="1m") == []


JOB, ANNOTATED = 'job="node-local-dns"', 'job="kubernetes-pods",k8s_app="node-local-dns"'


def annotated(fleet: Fleet) -> Fleet:
    """Scraped by annotations: one job for all pods, among them a stranger that is down."""
    made = {name.replace(JOB, ANNOTATED): values for name, values in fleet.items()}
    return made | {'up{job="kubernetes-pods",k8s_app="web",instance="10.0.0.9:80"}': "0x60"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("happen", "selector", "expected"),
    [
        pytest.param(lambda fleet: fleet, ANNOTATED, [], id="a calm fleet"),
        pytest.param(lambda fleet: dead(fleet, N1), ANNOTATED, [alert("Down", WARNING, instance=N1)], id="one is dead"),
        pytest.param(lambda fleet: dead(fleet, *NODES), ANNOTATED, [alert("MetricsDown", CRITICAL)], id="all are dead"),
        pytest.param(full, ANNOTATED, [alert("CacheFull", INFO, instance=N1, type="success")], id="a cache is full"),
        pytest.param(lambda fleet: fleet, JOB, [alert("MetricsDown", CRITICAL)], id="a job that nobody makes"),
    ],
)
def test_a_fleet_that_is_scraped_by_annotations_is_known_by_another_selector(
    happen: Callable[[Fleet], Fleet], selector: str, expected: list[Alert], tmp_path: Path, needs: Callable[..., None]
) -> None:
    needs(programs=("promtool",))
    rules = tmp_path / "nodens.rules.yaml"
    rules.write_text(RULES.read_text().replace(JOB, selector))
    assert firing(annotated(happen(calm())), tmp_path, rules=rules) == expected
