"""What is said of a command that a page should not show."""

from __future__ import annotations

import pytest
from doc_pages import HOUSE
from doc_programs import troubles_of
from doc_scene import Scene
from doc_shell import commands_of


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("nodens check ./Corefile.base", [], id="nodens"),
        pytest.param("nodens chek x", ["nodens: `chek` is not a command; expected one of:"], id="no such command"),
        pytest.param("nodens check x --jason", ["error: unrecognized arguments: --jason"], id="no such option"),
        pytest.param("nodens check --help", [], id="help"),
        pytest.param("sudo nodens release --forse", ["release: error: unrecognized arguments"], id="behind sudo"),
        pytest.param("node-cache -localip 1.2.3.4 -conf=/x --pidfile /y", [], id="node-cache"),
        pytest.param("node-cache -lokalip 1.2.3.4", ["flag provided but not defined: -lokalip"], id="no such flag"),
        pytest.param("make test", [], id="make"),
        pytest.param("make tset", ["the Makefile has no target `tset`"], id="no such target"),
        pytest.param("kubectl get svc kube-dns -n kube-system", [], id="kubectl"),
        pytest.param("kubectl obtain svc", ["`kubectl obtain` is not a verb"], id="no such verb"),
        pytest.param("kubectl get svc -x", ["`kubectl get` has no option `-x`"], id="no such option of a verb"),
        pytest.param("kubectl get svc kube-dnss", ["there is no svc `kube-dnss`"], id="no such object"),
        pytest.param("kubectl get gizmo", ["`gizmo` is not a kind"], id="no such kind"),
        pytest.param("kubectl create -f no.yaml", ["no.yaml: no such file"], id="no such file"),
        pytest.param("kubectl apply -f lab/tools/dns-test-pod.yaml", [], id="a file"),
        pytest.param("kubectl exec dns-test -- nslookup kubernetes.default", [], id="exec"),
        pytest.param("kubectl exec dns-test -- nslookupp x", ["`nslookupp` is not a program"], id="exec, no program"),
        pytest.param("kubectl logs dns-test -f --tail=5", [], id="logs"),
        pytest.param("kubectl wait --for condition=Ready pod/dns-test --timeout 60s", [], id="wait"),
        pytest.param("docker exec -it k01-worker ip addr show nodelocaldns", [], id="docker exec"),
        pytest.param("docker exec k01-worker ipp addr", ["`ipp` is not a program"], id="docker exec, no program"),
        pytest.param("grep -A60 -E x", [], id="a short option with its number"),
        pytest.param("sh -c 'frobnicate | grep x'", ["`frobnicate` is not a program"], id="a script in a word"),
        pytest.param("frobnicate", ["`frobnicate` is not a program that our pages know"], id="no such program"),
        pytest.param("dig +short --bogus x", ["`dig` has no option `--bogus`"], id="no such option of dig"),
        pytest.param("cat nothing.yaml", ["nothing.yaml: no such file"], id="a file that nobody makes"),
        pytest.param("nodens show metrics > m.txt && cat m.txt", [], id="a file made before"),
        pytest.param("cp lab/tools/dns-test-pod.yaml . && cat dns-test-pod.yaml", [], id="a file copied before"),
        pytest.param("cd lab && ./deploy.sh --yes", [], id="a script"),
        pytest.param("./deploy.sh --yess", ["deploy.sh has no option `--yess`"], id="a script's option"),
        pytest.param("cd nowhere", ["nowhere: no such folder"], id="no such folder"),
        pytest.param("helm install x deploy/nowhere", ["deploy/nowhere: no such chart"], id="no such chart"),
    ],
)
def test_a_command_is_looked_at(line: str, expected: list[str]) -> None:
    scene = Scene(folder=HOUSE)
    said = [trouble for command in commands_of(line) for trouble in troubles_of(command, scene)]
    assert len(said) == len(expected), said
    for one, words in zip(said, expected, strict=True):
        assert words in one
