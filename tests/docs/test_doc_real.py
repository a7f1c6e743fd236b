"""The real kubectl and helm, and the API's own schemas, about what our pages and the lesson say."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import yaml
from doc_checks import objects_of
from doc_kubernetes import EVERYWHERE, HELM, HELM_OPTIONS, KUBECTL
from doc_pages import HOUSE, pages

sys.path.insert(0, str(HOUSE / "tests" / "manifests"))

from charts import complaints, need_charts, run

pytestmark = pytest.mark.charts
LESSON = "1.32"  # the lesson's cluster


@pytest.fixture(autouse=True)
def are_there() -> None:
    need_charts()


def options_in(text: str) -> set[str]:
    """Give every option that a help names."""
    return set(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", text))


@pytest.mark.parametrize("verb", sorted(KUBECTL))
def test_kubectl_has_the_options_that_pages_may_use(verb: str) -> None:
    words = ["rollout", "status"] if verb == "rollout" else [verb]
    known = options_in(run("kubectl", *words, "--help")) | options_in(run("kubectl", "options"))
    assert {
        option for option in [*KUBECTL[verb].split(), *EVERYWHERE] if option not in known | {"-it", "--help"}
    } == set()


@pytest.mark.parametrize("verb", sorted(HELM))
def test_helm_has_the_verbs_that_pages_may_use(verb: str) -> None:
    assert f"helm {verb}" in run("helm", verb, "--help")


def test_helm_has_the_options_that_pages_may_use() -> None:
    known = set().union(*(options_in(run("helm", verb, "--help")) for verb in ("install", "upgrade", "uninstall")))
    assert set(HELM_OPTIONS.split()) <= known


def test_objects_on_pages_are_ones_that_the_api_knows() -> None:
    found = [(block, each) for page in pages() for block, each in objects_of(page)]
    assert found
    told = [f"{block.place}: {trouble}" for block, each in found for trouble in complaints(each, LESSON)]
    assert not told


@pytest.mark.parametrize("name", ["tools/dns-test-pod.yaml", "nodelocal-dnscache/nodelocaldns.yaml"])
def test_the_lessons_objects_are_ones_that_its_cluster_knows(name: str) -> None:
    path: Path = HOUSE / "lab" / name
    for each in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        assert complaints(each, LESSON) == []
