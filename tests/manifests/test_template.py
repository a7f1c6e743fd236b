"""deploy/nodelocaldns.yaml: what `nodens manifests --template` writes, and what the lesson's sed makes of it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from nodens.cli import main
from nodens.manifests import Options, objects

HOUSE = Path(__file__).parents[2]
TEMPLATE = HOUSE / "deploy" / "nodelocaldns.yaml"
# What the official manifest has (behaviour.md, 6): whoever goes by these must find them.
OFFICIAL_LABELS = {
    ("ServiceAccount", "node-local-dns"): {"kubernetes.io/cluster-service", "addonmanager.kubernetes.io/mode"},
    ("Service", "kube-dns-upstream"): {
        "k8s-app",
        "kubernetes.io/cluster-service",
        "addonmanager.kubernetes.io/mode",
        "kubernetes.io/name",
    },
    ("ConfigMap", "node-local-dns"): {"addonmanager.kubernetes.io/mode"},
    ("DaemonSet", "node-local-dns"): {
        "k8s-app",
        "kubernetes.io/cluster-service",
        "addonmanager.kubernetes.io/mode",
    },
    ("Service", "node-local-dns"): {"k8s-app"},
}
LESSON_SED = (
    "localdns=169.254.20.10 domain=cluster.local kubedns=10.96.0.10; "
    'sed -i "s/__PILLAR__LOCAL__DNS__/$localdns/g; s/__PILLAR__DNS__DOMAIN__/$domain/g; '
    's/__PILLAR__DNS__SERVER__/$kubedns/g" nodelocaldns.yaml'
)


def filled(tmp_path: Path, script: str = LESSON_SED) -> str:
    """Do as the lesson does, in a shell."""
    (tmp_path / "nodelocaldns.yaml").write_text(TEMPLATE.read_text())
    subprocess.run(["bash", "-euc", script], cwd=tmp_path, check=True)
    return (tmp_path / "nodelocaldns.yaml").read_text()


def test_the_file_is_what_the_command_writes(capsys: pytest.CaptureFixture[str]) -> None:
    """`make manifests` writes it."""
    assert main(["manifests", "--template"]) == 0
    said = capsys.readouterr()
    assert said.out == TEMPLATE.read_text()
    assert not said.err


def test_the_objects_have_the_names_and_labels_of_the_official_ones() -> None:
    found = {
        (each["kind"], each["metadata"]["name"]): set(each["metadata"]["labels"])
        for each in yaml.safe_load_all(TEMPLATE.read_text())
    }
    assert found == OFFICIAL_LABELS


def test_the_lessons_sed_leaves_only_what_the_agent_fills_in(tmp_path: Path) -> None:
    assert set(re.findall(r"__PILLAR__\w+?__(?!\w)", filled(tmp_path))) == {
        "__PILLAR__CLUSTER__DNS__",
        "__PILLAR__UPSTREAM__SERVERS__",
    }


def test_the_sed_of_older_recipes_for_ipvs_leaves_words_at_the_top_that_are_true(tmp_path: Path) -> None:
    """It puts the address of kube-dns in for a word that is the agent's, too."""
    script = (
        'sed -i "s/__PILLAR__LOCAL__DNS__/169.254.20.10/g; s/__PILLAR__DNS__DOMAIN__/cluster.local/g; '
        's/,__PILLAR__DNS__SERVER__//g; s/__PILLAR__CLUSTER__DNS__/10.96.0.10/g" nodelocaldns.yaml'
    )
    top = filled(tmp_path, script).partition("---\n")[0]
    assert "CLUSTER__DNS__ and UPSTREAM__SERVERS__ stay" in top
    assert "10.96.0.10" not in top


def test_a_filled_template_is_what_the_command_writes_for_these_values(tmp_path: Path) -> None:
    assert list(yaml.safe_load_all(filled(tmp_path))) == list(objects(Options()))


def test_the_words_at_its_top_do_what_the_lessons_sed_does(tmp_path: Path) -> None:
    said = [line[2:] for line in TEMPLATE.read_text().splitlines() if line.startswith("#   ")]
    script = "\n".join(said[said.index(next(line for line in said if "kubedns=" in line)) : said.index("  done") + 1])
    run = "kubectl() { echo 10.96.0.10; }\n" + script
    assert list(yaml.safe_load_all(filled(tmp_path, run))) == list(objects(Options()))
    assert "__PILLAR__${each%=*}__" in filled(tmp_path), "the lesson's sed has destroyed the words at the top"


def test_both_addresses_stand_in_the_arguments_and_in_every_bind(tmp_path: Path) -> None:
    text = filled(tmp_path)
    assert '- "-localip"\n        - "169.254.20.10,10.96.0.10"\n' in text
    assert re.findall(r"bind (.*)", text) == ["169.254.20.10 10.96.0.10"] * 4
