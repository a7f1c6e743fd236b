"""Each alert says what is so, what it means, and where to read on."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from named import ALERTS, HOUSE, RECORDS, known
from promql import labels_of

RULES = HOUSE / "deploy/prometheus/nodens.rules.yaml"


def anchor(heading: str) -> str:
    """Spell a heading's anchor, as forges do."""
    return re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-")


def test_promtool_finds_nothing_wrong(needs: Callable[..., None]) -> None:
    needs(programs=("promtool",))
    done = subprocess.run(["promtool", "check", "rules", RULES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"SUCCESS: {len(ALERTS) + len(RECORDS)} rules found" in done.stdout


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: f"{rule['alert']}, {rule['labels']['severity']}")
def test_an_alert_tells_what_it_means_and_where_to_read_on(rule: dict[str, Any]) -> None:
    told = rule["annotations"]
    assert set(told) == {"summary", "description", "runbook_url"}
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert re.fullmatch(r"(NodeLocalDNS|CoreDNS)[A-Za-z]+", rule["alert"])
    for text in (told["summary"], told["description"]):
        assert re.match(r"[A-Z{'0-9]", text)
        assert text.endswith((".", "}).", "."))
    page, _, place = told["runbook_url"].partition("#")
    headings = re.findall(r"^#+ (.*)$", (HOUSE / page).read_text(), re.MULTILINE)
    assert place in {anchor(each) for each in headings}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: f"{rule['alert']}, {rule['labels']['severity']}")
def test_what_an_alert_tells_of_labels_is_there(rule: dict[str, Any]) -> None:
    named = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
    assert named <= labels_of(rule["expr"], known())


@pytest.mark.parametrize("rule", RECORDS, ids=lambda rule: rule["record"])
def test_a_record_is_named_by_its_labels_its_metric_and_what_was_done(rule: dict[str, Any]) -> None:
    level, metric, _ = rule["record"].split(":")
    labels = labels_of(rule["expr"], known())
    assert set(level.split("_")) == labels - {"cluster"}
    assert metric.startswith(("coredns_", "nodens_"))


@pytest.mark.parametrize("rule", [*RECORDS, *ALERTS], ids=lambda rule: str(rule.get("record", rule.get("alert"))))
def test_whose_series_are_meant_is_said_in_the_same_words_everywhere(rule: dict[str, Any]) -> None:
    """So that one replacement reaches all; what is joined to such a series needs no words."""
    foreign = re.findall(r"(?<![\w:])(up|process_\w+|coredns_\w+)(?![\w:]|\s*\()(\{[^}]*\})?", rule["expr"])
    assert [name for name, chosen in foreign if 'job="node-local-dns"' not in chosen] == []
    assert rule["expr"].count("job=") == rule["expr"].count('job="node-local-dns"')


def test_runbooks_of_alerts_that_are_gone_are_gone() -> None:
    text = (HOUSE / "docs/operating.md").read_text().partition("## Alerts")[2].partition("\n## ")[0]
    assert set(re.findall(r"^### (.*)$", text, re.MULTILINE)) == {rule["alert"] for rule in ALERTS}
