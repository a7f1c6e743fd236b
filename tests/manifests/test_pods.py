"""Every mode's pod, as the manifest has it, on a real kernel: these arguments, these rights, these probes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from modes import container, corefile, pod

from nodens.lab.host import Host, host, wire
from nodens.manifests import Options

pytestmark = pytest.mark.netns

PROGRAMS = Path(sys.executable).parent
DEADLINE_S = 20.0
UPSTREAM = "192.168.5.2"
NAME, ADDRESS = "kubernetes.default.svc.cluster.local", "10.96.0.1"


@pytest.fixture
def node(needs: Callable[..., None], tmp_path: Path) -> Iterator[Host]:
    """Give a node with a way to cluster DNS."""
    needs(root=True, programs=("ip", "setpriv", "dig", "curl"))
    with host("node") as made, host("upstream") as upstream, (tmp_path / "upstream.log").open("wb") as log:
        wire(made, "eth0", "192.168.5.1/24", upstream, "eth0", f"{UPSTREAM}/24")
        words = (sys.executable, "-m", "nodens.lab.cluster_dns", "--listen", f"{UPSTREAM}:53")
        program = upstream.start(*words, log=log)
        until(lambda: b" on " in (tmp_path / "upstream.log").read_bytes())
        yield made
        program.terminate()
        program.wait(DEADLINE_S)


def until(holds: Callable[[], object]) -> None:
    """Wait for something, not for ever."""
    give_up = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < give_up, "it did not come"
        time.sleep(0.05)


def command(options: Options, folder: Path) -> list[str]:
    """Write the container's command line: its rights by setpriv, its folders under ours."""
    rights = container(options)["securityContext"]
    kept = [f"+{each.lower()}" for each in rights["capabilities"].get("add", [])]
    limit = ",".join(["-all", *kept])
    words = [word.replace("/run/nodens", str(folder)) for word in container(options)["args"]]
    return [
        *("setpriv", f"--bounding-set={limit}", f"--inh-caps={limit}", "--no-new-privs"),
        *(str(PROGRAMS / "node-cache"), *words, "-basecorefile", str(folder / "Corefile.base")),
    ]


@contextmanager
def started(options: Options, node: Host, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the container, until its start probe holds."""
    (folder / "Corefile.base").write_text(corefile(options))
    # What the kubelet does for a pod on the pod network; on the node's the port needs its capability.
    for each in pod(options).get("securityContext", {}).get("sysctls", []):
        path = f"/proc/sys/{each['name'].replace('.', '/')}"
        node.run("sh", "-c", f"echo {each['value']} > {path}")
    environment = {**os.environ, "KUBE_DNS_UPSTREAM_SERVICE_HOST": UPSTREAM, "KUBERNETES_SERVICE_HOST": "10.96.0.1"}
    with (folder / "log").open("wb") as log:
        words = node.command(*command(options, folder))
        program = subprocess.Popen(words, env=environment, stdout=log, stderr=log)
        try:
            until(lambda: probe(options, node, folder, "startupProbe") or program.poll() is not None)
            assert program.poll() is None, (folder / "log").read_text()
            yield program
        finally:
            program.terminate()
            program.wait(DEADLINE_S)


def probe(options: Options, node: Host, folder: Path, name: str) -> bool:
    """Do as the kubelet does."""
    asked: dict[str, Any] = container(options)[name]
    if "exec" in asked:
        words = [word.replace("/run/nodens", str(folder)) for word in asked["exec"]["command"]]
        words[0] = str(PROGRAMS / words[0])
    else:
        get = asked["httpGet"]
        where = get.get("host", "127.0.0.1")
        where = f"[{where}]" if ":" in where else where
        words = ["curl", "-sf", "-o", "/dev/null", f"http://{where}:{get['port']}{get['path']}"]
    return subprocess.run(node.command(*words), capture_output=True, check=False).returncode == 0


def test_a_pod_starts_is_ready_answers_and_leaves_nothing(options: Options, node: Host, tmp_path: Path) -> None:
    assert not probe(options, node, tmp_path, "startupProbe")
    with started(options, node, tmp_path) as program:
        until(lambda: probe(options, node, tmp_path, "readinessProbe"))
        assert probe(options, node, tmp_path, "livenessProbe")
        for address in options.addresses:
            asked = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
            assert node.run("dig", "+short", "+tries=1", f"@{asked}", NAME).strip() == ADDRESS
        program.terminate()
        assert program.wait(pod(options)["terminationGracePeriodSeconds"]) == 0, (tmp_path / "log").read_text()
    assert not (tmp_path / "node-cache.pid").exists()
    assert "nodelocaldns" not in node.run("ip", "link")


def test_the_next_pod_takes_over_and_its_start_probe_is_not_fooled_by_the_one_before(
    node: Host, tmp_path: Path
) -> None:
    """An upgrade as `maxSurge: 1` makes it: both pods have the same ports for a moment."""
    options = Options()
    folders = [tmp_path / "old", tmp_path / "new"]
    for each in folders:
        each.mkdir()
    with started(options, node, folders[0]) as old:
        until(lambda: probe(options, node, folders[0], "readinessProbe"))
        assert probe(options, node, folders[1], "readinessProbe"), "it is the old pod that answers here"
        assert not probe(options, node, folders[1], "startupProbe"), "there is no new pod yet"
        with started(options, node, folders[1]):
            until(lambda: "handed over: waiting to be stopped" in (folders[0] / "log").read_text())
            until(lambda: probe(options, node, folders[1], "readinessProbe"))
            old.terminate()
            assert old.wait(pod(options)["terminationGracePeriodSeconds"]) == 0
            for address in options.addresses:
                assert node.run("dig", "+short", "+tries=1", f"@{address}", NAME).strip() == ADDRESS
    assert "nodelocaldns" not in node.run("ip", "link")


def test_without_its_capabilities_it_says_which_is_missing(node: Host, tmp_path: Path) -> None:
    """The guard of the test above: rights that are too few are noticed."""
    options = Options()
    (tmp_path / "Corefile.base").write_text(corefile(options))
    words = [word.replace(",+net_admin", "") for word in command(options, tmp_path)]
    environment = {**os.environ, "KUBE_DNS_UPSTREAM_SERVICE_HOST": UPSTREAM}
    done = subprocess.run(
        node.command(*words), env=environment, capture_output=True, text=True, check=False, timeout=DEADLINE_S
    )
    assert done.returncode != 0
    assert "it has no capability CAP_NET_ADMIN" in done.stderr
