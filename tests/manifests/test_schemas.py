"""The API's own schemas, strict, of every version that is in use: nothing unknown, nothing of a wrong type."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from charts import chart, complaints, documents, need_charts
from modes import EVERY

from nodens.manifests import Options, objects

pytestmark = pytest.mark.charts

VERSIONS = [
    f"1.{minor}" for minor in range(25, 38)
]  # maxSurge is stable since the first, the last is the newest there is
# Their definitions are not Kubernetes' own.
FOREIGN = {"CiliumLocalRedirectPolicy", "ServiceMonitor", "PrometheusRule"}


@pytest.fixture(autouse=True)
def _needs() -> None:
    need_charts()


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_knows_every_field(version: str) -> None:
    found = [
        f"{name} {made['kind']}/{made['metadata']['name']}: {complaint}"
        for name, options in EVERY.items()
        for made in objects(options)
        if made["kind"] not in FOREIGN
        for complaint in complaints(made, version)
    ]
    assert not found


@pytest.mark.parametrize("version", ["1.25", "1.32", "1.37"])
def test_every_version_knows_every_field_of_the_chart(version: str) -> None:
    made = chart({"mode": "cilium", "dashboard": {"enabled": True}, "serviceMonitor": {"enabled": True}}) + chart()
    assert not [each for one in made if one["kind"] not in FOREIGN for each in complaints(one, version)]


def test_the_policies_to_copy_from_are_known_and_name_our_addresses(house: Path) -> None:
    policies = documents((house / "deploy" / "network-policies.yaml").read_text())
    assert not [each for made in policies for each in complaints(made, "1.37")]
    (egress,) = policies[0]["spec"]["egress"]
    named = {each["ipBlock"]["cidr"] for each in egress["to"] if "ipBlock" in each}
    assert named == {f"{each}/32" for each in Options().addresses}
    for each in policies:
        (rule,) = each["spec"].get("egress") or each["spec"]["ingress"]
        assert [(port["protocol"], port["port"]) for port in rule["ports"]] == [("UDP", 53), ("TCP", 53)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"maxUnavailableX": 1}, "maxUnavailableX", id="a field that is none"),
        pytest.param({"minReadySeconds": "5"}, "'5' is not of type", id="a word for a number"),
        pytest.param({"selector": 5}, "5 is not of type", id="a number for a thing"),
    ],
)
def test_the_schemas_say_no(change: dict[str, Any], expected: str) -> None:
    made = copy.deepcopy(objects(Options())[3])
    made["spec"] |= change
    assert any(expected in each for each in complaints(made, "1.37"))
