"""Kustomize: base and components make the objects that `nodens manifests` makes."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from charts import attempt, by_name, documents, need_charts, run
from modes import EVERY

from nodens.manifests import Mode, objects, spell_each

KUSTOMIZE = Path(__file__).parents[2] / "deploy" / "kustomize"
LATE = {name: replace(options, is_late=True) for name, options in EVERY.items()}
ARGUMENT = "/spec/template/spec/containers/0/args/1"


def overlay(folder: Path, *components: str, addresses: str = "") -> Path:
    """Write what a person writes: base, components and, where they differ, addresses."""
    # Kustomize knows no absolute paths; a copy stands beside the overlay.
    for each in KUSTOMIZE.rglob("*.yaml"):
        copied = folder / "kustomize" / each.relative_to(KUSTOMIZE)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_text(each.read_text())
    patch = f'- op: replace\n  path: {ARGUMENT}\n  value: "{addresses}"\n'
    made: dict[str, Any] = {
        "resources": ["../kustomize/base"],
        "components": [f"../kustomize/components/{each}" for each in components],
        "patches": [{"target": {"kind": "DaemonSet"}, "patch": patch}] if addresses else [],
    }
    (folder / "mine").mkdir()
    (folder / "mine" / "kustomization.yaml").write_text(yaml.safe_dump(made))
    return folder / "mine"


def test_the_base_is_what_the_command_writes(golden: Any) -> None:  # noqa: ANN401 - the helper of tests/conftest.py
    """`NODENS_GOLDEN=write` writes it, and the two files of Cilium that are whole objects."""
    files = {f"base/{name}": text for name, text in spell_each(LATE["iptables"]).items()}
    cilium = spell_each(LATE["cilium"])
    for name in ("configmap-node-local-dns.yaml", "ciliumlocalredirectpolicy-nodelocaldns.yaml"):
        files[f"components/cilium/{name}"] = cilium[name]
    for name, text in files.items():
        golden(f"../../deploy/kustomize/{name}", text)


@pytest.mark.charts
@pytest.mark.parametrize(
    ("components", "expected"),
    [
        pytest.param((), "iptables", id="the base alone"),
        pytest.param(("nftables",), "nftables", id="nftables"),
        pytest.param(("ipvs",), "ipvs", id="ipvs"),
        pytest.param(("cilium",), "cilium", id="cilium"),
        pytest.param(("dual-stack",), "iptables-dual", id="both families"),
        pytest.param(("nftables", "dual-stack"), "nftables-dual", id="nftables, both families"),
        pytest.param(("ipvs", "dual-stack-ipvs"), "ipvs-dual", id="ipvs, both families"),
        pytest.param(("cilium", "dual-stack-cilium"), "cilium-dual", id="cilium, both families"),
    ],
)
def test_kustomize_makes_the_objects_of_the_command(components: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    """Without a patch of the reader's own, but for addresses of another cluster."""
    need_charts()
    made = documents(run("kubectl", "kustomize", overlay(tmp_path, *components)))
    assert by_name(made) == by_name(objects(LATE[expected]))


@pytest.mark.charts
def test_both_families_of_another_cluster_stand_in_one_place(tmp_path: Path) -> None:
    need_charts()
    mine = "169.254.20.10,fd00:20::10,172.20.0.10,fd00:172::a"
    made = documents(run("kubectl", "kustomize", overlay(tmp_path, "dual-stack", addresses=mine)))
    wanted = replace(LATE["iptables-dual"], dns_ips=("172.20.0.10", "fd00:172::a"))
    assert by_name(made) == by_name(objects(wanted))


@pytest.mark.charts
def test_addresses_stand_in_one_place(tmp_path: Path) -> None:
    need_charts()
    made = documents(run("kubectl", "kustomize", overlay(tmp_path, addresses="169.254.20.10,172.20.0.10")))
    assert by_name(made) == by_name(objects(replace(LATE["iptables"], dns_ips=("172.20.0.10",))))


@pytest.mark.charts
def test_a_patch_of_other_arguments_is_refused_by_its_own_test(tmp_path: Path) -> None:
    """IPVS takes the second argument to be -localip's value; if it were not, kustomize says so."""
    need_charts()
    folder = overlay(tmp_path, "ipvs")
    path = tmp_path / "kustomize" / "base" / "daemonset-node-local-dns.yaml"
    path.write_text(path.read_text().replace('- "-localip"', '- "-quiet"\n        - "-localip"'))
    assert "testing value" in attempt("kubectl", "kustomize", folder).stderr


def test_every_component_is_for_a_mode_or_both_families() -> None:
    found = {each.name for each in (KUSTOMIZE / "components").iterdir()}
    assert found == {"dual-stack", "dual-stack-ipvs", "dual-stack-cilium", *Mode} - {Mode.IPTABLES}


@pytest.mark.charts
def test_the_readmes_overlay_makes_what_the_readme_says(tmp_path: Path) -> None:
    need_charts()
    shown = re.findall(r"```yaml\n(.*?)```", (KUSTOMIZE / "README.md").read_text(), flags=re.DOTALL)[0]
    folder = overlay(tmp_path)
    (folder / "kustomization.yaml").write_text(shown)
    found = by_name(documents(run("kubectl", "kustomize", folder)))
    wanted = replace(LATE["nftables"], dns_ips=("172.20.0.10",), image="registry.example/nodens:0.1.0")
    assert found == by_name(objects(wanted))


def test_the_late_objects_differ_in_bind_alone() -> None:
    for name, options in LATE.items():
        late, plain = (copy.deepcopy(by_name(objects(each))) for each in (options, EVERY[name]))
        key = ("ConfigMap", "node-local-dns")
        corefiles = [re.sub(r"bind .*", "bind", each.pop(key)["data"]["Corefile"]) for each in (late, plain)]
        assert corefiles[0] == corefiles[1]
        assert late == plain
