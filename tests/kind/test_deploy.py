"""deploy.sh: the order of its steps, and what it says where one of them does not come to its end."""

from __future__ import annotations

import itertools
import re

import pytest
from kind_bench import TOOLS, Bench, Row

K01 = "kubectl --kubeconfig .*/lab/k01.kubeconfig --context kind-k01 "


def test_a_cluster_is_made_in_the_order_that_each_step_needs(bench: Bench) -> None:
    ended = bench.run("deploy.sh", "--image", "nodens:test")
    assert ended.code == 0, ended.said
    expected = [
        "docker info",
        "docker image inspect nodens:test",
        "kind get clusters",
        "containerlab deploy -t k01.clab.yaml",
        "kind get kubeconfig --name k01",
        K01 + "get --raw /readyz",
        K01 + "apply --server-side -f https://.*/v3.30.3/manifests/operator-crds.yaml -f .*/tigera-operator.yaml",
        K01 + "wait --for condition=Established crd/installations.operator.tigera.io --timeout 600s",
        K01 + "wait --for condition=Available deployment/tigera-operator -n tigera-operator --timeout 600s",
        K01 + "apply -f .*/lab/calico-cni-config/custom-resources.yaml",
        K01 + "get tigerastatus/calico",
        K01 + "wait --for condition=Available tigerastatus/calico --timeout 600s",
        K01 + "wait --for condition=Ready nodes --all --timeout 600s",
        K01 + "wait --for condition=Available deployment/coredns -n kube-system --timeout 600s",
        "kind load docker-image nodens:test --name k01",
        K01 + "apply -f .*/lab/tools/dns-test-pod.yaml",
        K01 + "wait --for condition=Ready pod/dns-test --timeout 600s",
        K01 + "get nodes -o wide",
        K01 + "get pods -n kube-system -l k8s-app=kube-dns -o wide",
        K01 + "get pod dns-test -o wide",
    ]
    asked = [call for call in bench.asked if call != "id -u"]
    assert len(asked) == len(expected), "\n".join(asked)
    for call, pattern in zip(asked, expected, strict=True):
        assert re.fullmatch(pattern, call), f"{call}\nis not\n{pattern}"
    assert f"export KUBECONFIG={bench.lab}/k01.kubeconfig" in ended.said


def test_nothing_sleeps_where_everything_is_ready(bench: Bench) -> None:
    bench.run("deploy.sh")
    assert not [call for call in bench.asked if call.startswith("sleep")]


def test_the_kubeconfig_is_its_owners_alone(bench: Bench) -> None:
    bench.run("deploy.sh")
    written = bench.lab / "k01.kubeconfig"
    assert written.read_text(encoding="utf-8").startswith("apiVersion: v1")
    assert written.stat().st_mode & 0o077 == 0
    assert [path.name for path in bench.lab.glob("k01.kubeconfig*")] == ["k01.kubeconfig"]


def test_a_kubeconfig_that_points_elsewhere_is_never_used(bench: Bench) -> None:
    """The bench's own KUBECONFIG names another cluster."""
    bench.run("deploy.sh")
    calls = [call for call in bench.asked if call.startswith("kubectl")]
    assert calls
    assert all(re.match(K01, call) for call in calls)


@pytest.mark.parametrize("tool", TOOLS)
def test_a_missing_tool_is_named_before_anything_is_done(bench: Bench, tool: str) -> None:
    bench.lack(tool)
    ended = bench.run("deploy.sh", "--yes")
    assert ended.code == 2
    assert f"deploy.sh: {tool}: is not on PATH\nhint: " in ended.said
    assert bench.asked == ["id -u"]


def test_all_missing_tools_are_named_at_once(bench: Bench) -> None:
    bench.is_root = False
    bench.lack(*TOOLS, "sudo")
    ended = bench.run("deploy.sh")
    assert re.findall(r"^deploy.sh: (\w+): is not on PATH$", ended.said, re.MULTILINE) == [*TOOLS, "sudo"]


def test_without_root_every_privileged_tool_is_run_by_sudo(bench: Bench) -> None:
    bench.is_root = False
    ended = bench.run("deploy.sh")
    assert ended.code == 0, ended.said
    calls = [call for call in bench.asked if call != "id -u"]
    for before, call in itertools.pairwise(calls):
        if call.split()[0] in {"docker", "kind", "containerlab"}:
            assert before == f"sudo {call}"
    assert not [call for call in calls if call.startswith("sudo kubectl")]


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        pytest.param(["--help"], 0, "usage: ./deploy.sh", id="help"),
        pytest.param(["--bogus"], 2, "--bogus: not an option; expected one of --image,", id="unknown"),
        pytest.param(["--image"], 2, "--image: has no value; expected one behind it", id="no value"),
        pytest.param(["--wait", "1m"], 2, "--wait: `1m` is not a time; expected whole seconds", id="a unit"),
        pytest.param(["--wait", "0"], 2, "--wait: `0` is not a time", id="no time at all"),
        pytest.param(["--archive", "no.tar"], 2, "no.tar: cannot be read; expected an archive", id="no archive"),
        pytest.param(["--image", "a:1", "--archive", "README.md"], 2, "--image, --archive: both were given", id="both"),
    ],
)
def test_the_command_line_is_read_before_anything_is_asked(
    bench: Bench, words: list[str], code: int, expected: str
) -> None:
    ended = bench.run("deploy.sh", *words)
    assert ended.code == code
    assert expected in ended.said
    assert ended.said.endswith("\n")
    assert bench.asked == []


@pytest.mark.parametrize(
    ("row", "expected", "last"),
    [
        pytest.param(
            Row(asked="^docker info", code=1),
            "docker: its daemon does not answer; expected one that runs\nhint: systemctl start docker",
            "docker info",
            id="no docker daemon",
        ),
        pytest.param(
            Row(asked="^containerlab deploy", code=1, says="ERRO no such image\n"),
            "ERRO no such image\ndeploy.sh: containerlab: could not make the cluster; its own words are above\n"
            "hint: ./destroy.sh removes what it left",
            "containerlab deploy",
            id="containerlab fails",
        ),
        pytest.param(
            Row(asked="^kind get kubeconfig", code=1),
            "deploy.sh: kind: gives no kubeconfig of k01",
            "kind get kubeconfig",
            id="no kubeconfig",
        ),
        pytest.param(
            Row(asked="apply --server-side", code=1),
            "deploy.sh: Calico's operator: could not be applied from https://",
            "apply --server-side",
            id="no internet",
        ),
        pytest.param(
            Row(asked="wait --for condition=Ready nodes", code=1),
            "deploy.sh: the nodes: not within 600 s; the cluster stays for a look\nhint: export KUBECONFIG=",
            "get pods -A -o wide",
            id="a node never gets ready",
        ),
        pytest.param(
            Row(asked="^kind load", code=1),
            "deploy.sh: kind: could not load ",
            "kind load",
            id="the image cannot be loaded",
        ),
        pytest.param(
            Row(asked="wait --for condition=Ready pod/dns-test", code=1),
            "deploy.sh: the pod dns-test: not within 600 s",
            "get pods -A -o wide",
            id="the pod never gets ready",
        ),
    ],
)
def test_what_goes_wrong_is_said_and_nothing_more_is_done(bench: Bench, row: Row, expected: str, last: str) -> None:
    bench.rows = [row]
    ended = bench.run("deploy.sh")
    assert ended.code == (2 if "docker info" in last else 1)
    assert expected in ended.said
    assert last in bench.asked[-1]


def test_an_api_server_that_never_answers_is_waited_for_a_bounded_time(bench: Bench) -> None:
    bench.rows = [
        Row(asked="get --raw /readyz", code=1),
        Row(asked="get nodes", says="k01-worker   NotReady\n"),
    ]
    ended = bench.run("deploy.sh", "--wait", "30")
    assert ended.code == 1
    assert [call for call in bench.asked if call.startswith("sleep")] == ["sleep 2"] * 16
    assert "    k01-worker   NotReady\n" in ended.said
    assert "deploy.sh: the API server: not within 30 s; the cluster stays for a look" in ended.said


def test_an_archive_is_loaded_as_it_is(bench: Bench) -> None:
    (bench.lab / "nodens.tar").write_bytes(b"an archive")
    ended = bench.run("deploy.sh", "--archive", "nodens.tar")
    assert ended.code == 0, ended.said
    assert "kind load image-archive nodens.tar --name k01" in bench.asked
    assert not [call for call in bench.asked if call.startswith("docker") and call != "docker info"]


def test_an_image_that_was_named_and_is_not_there_stops_it_with_the_way_to_make_it(bench: Bench) -> None:
    bench.rows = [Row(asked="^docker image inspect", code=1)]
    ended = bench.run("deploy.sh", "--image", "nodens:test")
    assert ended.code == 2
    assert "--image: docker has no image `nodens:test`\nhint: docker build -t nodens:test -f deploy/" in ended.said
    assert bench.asked[-1] == "docker image inspect nodens:test"


def test_the_manifests_own_image_is_built_where_docker_does_not_have_it(bench: Bench) -> None:
    manifest = bench.lab / "nodelocal-dnscache" / "nodelocaldns.yaml"
    manifest.unlink(missing_ok=True)
    manifest.write_text("      - name: node-cache\n        image: example.org/nodens:9\n", encoding="utf-8")
    bench.rows = [Row(asked="^docker image inspect", code=1)]
    ended = bench.run("deploy.sh")
    assert ended.code == 0, ended.said
    built = next(call for call in bench.asked if call.startswith("docker build"))
    assert built == f"docker build -t example.org/nodens:9 -f {bench.lab}/../deploy/Containerfile {bench.lab}/.."
    assert "kind load docker-image example.org/nodens:9 --name k01" in bench.asked


@pytest.mark.parametrize(
    ("words", "typed", "code", "expected"),
    [
        pytest.param([], None, 2, "stands already, and nobody is there to be asked\nhint: --yes", id="nobody there"),
        pytest.param([], "no", 1, "left as it was", id="no"),
        pytest.param([], "yes", 0, "removed; nothing is left", id="yes"),
        pytest.param(["--yes"], None, 0, "removed; nothing is left", id="--yes"),
    ],
)
def test_a_cluster_that_stands_is_replaced_only_when_somebody_says_so(
    bench: Bench, words: list[str], typed: str | None, code: int, expected: str
) -> None:
    bench.stand("cluster")
    ended = bench.run("deploy.sh", *words, typed=typed)
    assert ended.code == code, ended.said
    assert expected in ended.said
    changes = [call.split(" -t")[0] for call in bench.asked if call.startswith("containerlab")]
    assert changes == ([] if code else ["containerlab destroy", "containerlab deploy"])
