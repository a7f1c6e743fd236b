"""Real kubectl reads the template after the lesson's sed, and says what the lesson says."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from charts import attempt, need_charts
from discovery import Cluster, serving
from test_template import filled

from nodens.cli import main
from nodens.manifests import DEFAULTS, objects

pytestmark = pytest.mark.charts

CREATED = """\
serviceaccount/node-local-dns created
service/kube-dns-upstream created
configmap/node-local-dns created
daemonset.apps/node-local-dns created
service/node-local-dns created
"""


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Give a server that knows the kinds."""
    need_charts()
    with serving() as made:
        yield made


def create(cluster: Cluster, file: Path) -> str:
    """Create what a file holds, in a dry run."""
    return kubectl(cluster, "create", "--dry-run=client", file).replace(" (dry run)", "")


def kubectl(cluster: Cluster, *words: str | Path) -> str:
    """Run kubectl over a file, the last word; what it says on stdout."""
    done = attempt("kubectl", "--server", cluster.url, *words[:-1], "--validate=false", "-f", words[-1])
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_kubectl_says_the_lessons_lines(cluster: Cluster, tmp_path: Path) -> None:
    """Step 8; the original text forgets the fifth."""
    file = tmp_path / "filled.yaml"
    file.write_text(filled(tmp_path))
    assert create(cluster, file) == CREATED


def test_kubectl_knows_ciliums_policy_by_its_kind(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["manifests", "--mode", "cilium"])
    file = tmp_path / "cilium.yaml"
    file.write_text(capsys.readouterr().out)
    assert create(cluster, file) == f"{CREATED}ciliumlocalredirectpolicy.cilium.io/nodelocaldns created\n"


def test_kubectl_takes_a_folder_and_a_list(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["manifests", "--dns-ip", "10.96.0.10", "-o", str(tmp_path / "each")])
    capsys.readouterr()
    main(["manifests", "--dns-ip", "10.96.0.10", "--json"])
    (tmp_path / "list.json").write_text(capsys.readouterr().out)
    assert sorted(create(cluster, tmp_path / "each").splitlines()) == sorted(CREATED.splitlines())
    assert create(cluster, tmp_path / "list.json") == CREATED


def original(made: dict[str, Any]) -> dict[str, Any]:
    """Make of our DaemonSet what the official manifest has there, as `kubectl create` leaves it."""
    made = copy.deepcopy(made)
    made["metadata"] |= {"resourceVersion": "7", "uid": "1"}
    made["spec"] |= {
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": "10%"}}
    }
    agent = made["spec"]["template"]["spec"]["containers"][0]
    agent["image"] = "registry.k8s.io/dns/k8s-dns-node-cache:1.26.4"
    agent["ports"] = [
        {"containerPort": 53, "name": "dns", "protocol": "UDP"},
        {"containerPort": 53, "name": "dns-tcp", "protocol": "TCP"},
        {"containerPort": 9253, "name": "metrics", "protocol": "TCP"},
    ]
    agent["securityContext"] = {"privileged": True}
    return made


def held(cluster: Cluster) -> dict[str, Any]:
    """Let the cluster hold the five objects, the DaemonSet as the original's; give that one."""
    for each in objects(DEFAULTS):
        cluster.hold(original(each) if each["kind"] == "DaemonSet" else each)
    return original(objects(DEFAULTS)[3])


def written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Write what the command writes."""
    main(["manifests", "--dns-ip", "10.96.0.10"])
    (tmp_path / "nodens.yaml").write_text(capsys.readouterr().out)
    return tmp_path / "nodens.yaml"


def test_replace_puts_ours_in_the_place_of_the_originals(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The way in, as the file's top tells it: no `ports` are left, and the selector is the same."""
    before = held(cluster)
    assert kubectl(cluster, "replace", written(tmp_path, capsys)) == CREATED.replace("created", "replaced")
    assert [method for method, _, _ in cluster.sent] == ["PUT"] * 5
    (sent,) = [body for _, path, body in cluster.sent if "/daemonsets/" in path]
    assert "ports" not in sent["spec"]["template"]["spec"]["containers"][0]
    assert sent["spec"]["selector"] == before["spec"]["selector"]


def test_apply_would_leave_the_ports_of_an_original_that_was_created(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Why the file says `replace`: kubectl knows of nothing to take away, and sends no word of `ports`."""
    held(cluster)
    kubectl(cluster, "apply", written(tmp_path, capsys))
    (sent,) = [body for method, path, body in cluster.sent if method == "PATCH" and "/daemonsets/" in path]
    (agent,) = sent["spec"]["template"]["spec"]["containers"]
    assert agent["name"] == "node-cache"
    assert agent["securityContext"]["privileged"] is False, "what we set is set, also over an original that had it all"
    assert "ports" not in agent
    assert sent["spec"]["updateStrategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
