"""The dashboard is what its generator writes, fits Grafana's grid, and reads well."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import combinations
from typing import Any

import pytest
from named import DASHBOARD, HOUSE, known, plain
from promql import labels_of

PANELS = [each for each in DASHBOARD["panels"] if each["type"] != "row"]
WIDTH = 24


def ids(panel: dict[str, Any]) -> str:
    return str(panel["title"])


def test_the_file_is_what_the_generator_writes() -> None:
    command = [sys.executable, HOUSE / "deploy/grafana/dashboard.py"]
    written = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert written == (HOUSE / "deploy/grafana/nodens.json").read_text(), "write it anew: `make docs`"


def test_it_can_be_imported_anywhere() -> None:
    assert DASHBOARD["schemaVersion"] >= 39
    assert "id" not in DASHBOARD  # Grafana gives one
    assert DASHBOARD["uid"] == "nodens"
    assert [each["name"] for each in DASHBOARD["templating"]["list"]] == ["datasource", "cluster", "job", "node"]
    sources = {str(each["datasource"]) for each in (*PANELS, *(t for each in PANELS for t in each["targets"]))}
    assert sources == {str({"type": "prometheus", "uid": "${datasource}"})}
    assert [each["allValue"] for each in DASHBOARD["templating"]["list"][1:]] == [".*"] * 3  # also without such a label


def test_panels_have_numbers_of_their_own_and_lie_side_by_side() -> None:
    numbers = [each["id"] for each in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)
    titles = [each["title"] for each in PANELS if each["type"] != "stat"]
    assert {title for title in titles if titles.count(title) > 1} <= {"Answered from the cache"}
    places = [tuple(each["gridPos"][key] for key in "xywh") for each in DASHBOARD["panels"]]
    assert all(x + w <= WIDTH for x, _, w, _ in places)
    for (x, y, w, h), (u, v, s, t) in combinations(places, 2):
        assert x + w <= u or u + s <= x or y + h <= v or v + t <= y


@pytest.mark.parametrize("panel", PANELS, ids=ids)
def test_a_panel_is_of_today_and_chooses_by_the_variables(panel: dict[str, Any]) -> None:
    assert panel["type"] in {"timeseries", "stat", "state-timeline", "table"}  # `graph` and `singlestat` are gone
    assert panel["targets"]
    for target in panel["targets"]:
        assert 'cluster=~"$cluster",job=~"$job",instance=~"$node"' in target["expr"]
        assert re.findall(r"\[([^]]*)\]", target["expr"]).count("$__rate_interval") == target["expr"].count("[")


@pytest.mark.parametrize("panel", PANELS, ids=ids)
def test_a_legend_names_labels_that_are_there_and_tells_its_lines_apart(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        labels = labels_of(plain(target["expr"]), known())
        assert named <= labels
        if panel["type"] != "table":
            assert labels <= named


def test_what_people_look_for_is_there() -> None:
    text = " ".join(target["expr"] for panel in PANELS for target in panel["targets"])
    for word in (
        *("coredns_cache_hits_total", "histogram_quantile(0.5,", "histogram_quantile(0.9,", "histogram_quantile(0.99,"),
        *("by (rcode)", "by (type)", "by (proto", "by (zone)", "coredns_proxy_request_duration_seconds_bucket"),
        *("nodens_upstream_faults_total", "nodens_cache_entries_limit", "nodens_steering_rung", "nodens_steered"),
        *(
            "nodens_handovers_total",
            "nodens_steering_let_go_total",
            "process_resident_memory_bytes",
            "process_cpu_seconds_total",
        ),
    ):
        assert word in text
