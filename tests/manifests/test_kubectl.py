"""Real kubectl reads the template after the lesson's sed, and says what the lesson says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from charts import attempt, need_charts
from discovery import discovery
from test_template import filled

from nodens.cli import main

pytestmark = pytest.mark.charts

CREATED = """\
serviceaccount/node-local-dns created
service/kube-dns-upstream created
configmap/node-local-dns created
daemonset.apps/node-local-dns created
service/node-local-dns created
"""


@pytest.fixture
def cluster() -> Iterator[str]:
    """Give the URL of a server that knows the kinds."""
    need_charts()
    with discovery() as url:
        yield url


def create(cluster: str, file: Path) -> str:
    """Create what a file holds, in a dry run."""
    words = ("--server", cluster, "create", "--dry-run=client", "--validate=false", "-f")
    done = attempt("kubectl", *words, file)
    assert done.returncode == 0, done.stderr
    return done.stdout.replace(" (dry run)", "")


def test_kubectl_says_the_lessons_lines(cluster: str, tmp_path: Path) -> None:
    """Step 8; the original text forgets the fifth."""
    file = tmp_path / "filled.yaml"
    file.write_text(filled(tmp_path))
    assert create(cluster, file) == CREATED


def test_kubectl_knows_ciliums_policy_by_its_kind(
    cluster: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["manifests", "--mode", "cilium"])
    file = tmp_path / "cilium.yaml"
    file.write_text(capsys.readouterr().out)
    assert create(cluster, file) == f"{CREATED}ciliumlocalredirectpolicy.cilium.io/nodelocaldns created\n"


def test_kubectl_takes_a_folder_and_a_list(cluster: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["manifests", "--dns-ip", "10.96.0.10", "-o", str(tmp_path / "each")])
    capsys.readouterr()
    main(["manifests", "--dns-ip", "10.96.0.10", "--json"])
    (tmp_path / "list.json").write_text(capsys.readouterr().out)
    assert sorted(create(cluster, tmp_path / "each").splitlines()) == sorted(CREATED.splitlines())
    assert create(cluster, tmp_path / "list.json") == CREATED
