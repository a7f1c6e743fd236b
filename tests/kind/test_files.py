"""The lesson's files: nothing floats, and they agree with each other and with `nodens lab`."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

HOUSE = Path(__file__).parents[2]
LAB = HOUSE / "lab"
TEMPLATE = LAB / "nodelocal-dnscache" / "nodelocaldns.yaml"


def read(name: str) -> dict[str, dict[str, object]]:
    """Read a file of lab/ that has one document."""
    return dict(yaml.safe_load((LAB / name).read_text(encoding="utf-8")))


def test_the_manifest_is_the_one_of_deploy() -> None:
    ours = TEMPLATE.read_text(encoding="utf-8")
    assert ours == (HOUSE / "deploy" / "nodelocaldns.yaml").read_text(encoding="utf-8"), "`make docs` copies it"


def test_the_lessons_sed_leaves_only_what_the_agent_fills_in(tmp_path: Path) -> None:
    command = re.search(r"^sed -i .*$", (LAB / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert command
    (tmp_path / "nodelocaldns.yaml").write_text(TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")
    values = "kubedns=10.96.0.10 domain=cluster.local localdns=169.254.20.10; "
    subprocess.run(["bash", "-c", values + command[0]], cwd=tmp_path, check=True)
    filled = "".join(
        line
        for line in (tmp_path / "nodelocaldns.yaml").read_text(encoding="utf-8").splitlines(keepends=True)
        if not line.startswith("#")
    )
    assert set(re.findall(r"__PILLAR__\w+?__(?=\W)", filled)) == {
        "__PILLAR__CLUSTER__DNS__",
        "__PILLAR__UPSTREAM__SERVERS__",
    }
    assert "169.254.20.10,10.96.0.10" in filled
    assert filled.count("bind 169.254.20.10 10.96.0.10") == 4


@pytest.mark.parametrize("path", sorted(LAB.rglob("*.yaml")), ids=lambda path: path.name)
def test_every_image_is_pinned(path: Path) -> None:
    images = re.findall(r"^\s*(?:- )?image:\s*\"?([^\s\"]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    for image in images:
        assert re.search(r":v?\d+\.\d+", image), f"{image} has no version"


def test_the_cluster_is_the_one_of_the_lesson() -> None:
    topology = read("k01.clab.yaml")["topology"]["nodes"]
    assert isinstance(topology, dict)
    node = topology["k01"]
    assert node["image"].startswith("kindest/node:v1.32.2@sha256:")
    assert (LAB / node["startup-config"]).exists()
    wanted = read(node["startup-config"])
    assert [each["role"] for each in wanted["nodes"]] == ["control-plane", "worker", "worker"]  # type: ignore[index] # plain YAML
    network = wanted["networking"]
    assert (network["podSubnet"], network["serviceSubnet"]) == ("192.168.0.0/16", "10.96.0.0/16")
    assert network["kubeProxyMode"] == "iptables"


def test_calico_serves_the_pod_network_that_kind_was_told() -> None:
    specification = read("calico-cni-config/custom-resources.yaml")["spec"]
    pools = specification["calicoNetwork"]["ipPools"]  # type: ignore[index] # plain YAML
    assert [(pool["cidr"], pool["blockSize"]) for pool in pools] == [("192.168.0.0/16", 26)]


def test_scripts_are_ready_to_run() -> None:
    for script in LAB.glob("*.sh"):
        assert script.stat().st_mode & 0o111 == 0o111
