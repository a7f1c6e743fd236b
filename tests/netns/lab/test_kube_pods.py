"""Pods of the lab on real nodes: what containers may do and see, how they are replaced, that they leave nothing."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from lab_words import Typed

from nodens.lab import lesson
from nodens.lab.kube import Cluster, Key, Pod
from nodens.lab.lesson.model import State
from nodens.lab.world import World, clear, standing, wait_until

pytestmark = [pytest.mark.netns, pytest.mark.timeout(120)]

ONE_WORLD = pytest.mark.parametrize("raised", [("iptables", False)], indirect=True, ids=["iptables"])
NODE = "k01-worker"


def quietly(_line: str) -> None:
    """Tell nobody."""


@pytest.fixture
def cluster(raised: World) -> Cluster:
    lesson.Teacher(raised.place).bring(State.INSTALLED, quietly)
    return Cluster(standing(raised.place))


def pod_on(cluster: Cluster, node: str = NODE) -> Pod:
    return next(pod for pod in cluster.pods() if pod.node == node)


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


@ONE_WORLD
def test_a_container_has_what_its_manifest_gives_and_no_more(cluster: Cluster) -> None:
    pod = pod_on(cluster)
    status = status_of(pod.status.pid)
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == (1 << 10) | (1 << 12)
    assert status["NoNewPrivs"] == "1"
    environment = Path(f"/proc/{pod.status.pid}/environ").read_bytes().split(b"\0")
    assert b"KUBE_DNS_UPSTREAM_SERVICE_HOST=10.96.73.18" in environment
    assert b"KUBERNETES_SERVICE_HOST=10.96.0.1" in environment
    root = Path(f"/proc/{pod.status.pid}/root")
    mounts = Path(f"/proc/{pod.status.pid}/mountinfo").read_text().splitlines()
    assert any(line.split()[4] == "/" and line.split()[5].startswith("ro") for line in mounts)
    assert (root / "etc/coredns/Corefile.base").is_symlink()
    assert (root / "run/nodens/Corefile").exists()
    assert (root / "etc/resolv.conf").read_text().startswith("nameserver 172.18.0.1")
    assert not (root / "run/nodens-lab").exists()
    assert Path(f"/proc/{pod.status.pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()


@ONE_WORLD
def test_a_killed_container_is_started_again_and_counted(cluster: Cluster) -> None:
    pod = pod_on(cluster)
    before = pod.status
    os.kill(before.pid, signal.SIGKILL)
    wait_until(lambda: pod.status.pid not in {0, before.pid} and pod.is_ready, 20, "the container to be back")
    assert pod.status.restarts == before.restarts + 1


@ONE_WORLD
def test_a_restart_takes_over_node_by_node(cluster: Cluster, typed: Typed) -> None:
    before = {pod.name for pod in cluster.pods()}
    told = typed("rollout", "restart", "daemonset/node-local-dns", "-n", "kube-system")
    assert told.returncode == 0, told.stderr
    assert told.stderr.count(" took over from ") == 3
    assert told.stdout == "daemonset.apps/node-local-dns restarted\n"
    assert before.isdisjoint(pod.name for pod in cluster.pods())
    assert len(cluster.pods()) == 3
    assert "took over from pid" in pod_on(cluster).log


@ONE_WORLD
def test_a_roll_out_that_was_given_up_goes_on_and_leaves_one_pod_a_node(cluster: Cluster, typed: Typed) -> None:
    """A broken Corefile, a restart that waits in vain, the manifest as it was: what a learner does after step 22."""
    folder = lesson.Teacher(cluster.world.place).shell.folder
    good = folder / "nodelocaldns.yaml"
    broken = folder / "broken.yaml"
    broken.write_text(good.read_text().replace(" success ", " sucess "))
    restart = ("rollout", "restart", "daemonset/node-local-dns", "-n", "kube-system")
    assert typed("apply", "-f", str(broken)).returncode == 0
    with pytest.raises(subprocess.TimeoutExpired):  # a learner's Ctrl-C would do the same
        typed(*restart, patience_s=4)
    assert len(cluster.pods()) == 4
    told = typed("apply", "-f", str(good))
    assert told.returncode == 0, told.stderr
    assert sorted(pod.node for pod in cluster.pods()) == [node.name for node in cluster.world.nodes]
    shown = typed("get", "ds", "-n", "kube-system").stdout.splitlines()[1].split()
    assert shown[:6] == ["node-local-dns", "3", "3", "3", "3", "3"]
    assert typed("rollout", "status", "ds/node-local-dns", "-n", "kube-system").returncode == 0


@ONE_WORLD
def test_a_pod_that_gets_ready_after_its_roll_out_was_given_up_takes_the_place_of_the_old_one(
    cluster: Cluster, typed: Typed
) -> None:
    """By `edit` the ConfigMap alone is mended: the kubelet starts the pod again, and nobody rolls on."""
    edit = ("edit", "cm/node-local-dns", "-n", "kube-system")
    assert typed(*edit, EDITOR="sed -i 's/ success / sucess /'").returncode == 0
    with pytest.raises(subprocess.TimeoutExpired):
        typed("rollout", "restart", "daemonset/node-local-dns", "-n", "kube-system", patience_s=4)
    assert typed(*edit, EDITOR="sed -i 's/ sucess / success /'").returncode == 0
    fresh = cluster.pods()[-1]
    wait_until(lambda: fresh.is_ready, 25, "the kubelet to start it again")
    assert typed("get", "pods", "-n", "kube-system").returncode == 0  # whoever looks, it goes on
    assert [pod.name for pod in cluster.pods() if pod.node == fresh.node] == [fresh.name]
    told = typed("rollout", "status", "ds/node-local-dns", "-n", "kube-system")
    assert (told.returncode, told.stdout) == (0, 'daemon set "node-local-dns" successfully rolled out\n'), told.stderr
    assert told.stderr.count(" took over from ") == 2


@ONE_WORLD
def test_a_changed_config_map_reaches_the_pods_by_a_swapped_link(cluster: Cluster, typed: Typed) -> None:
    pod = pod_on(cluster)
    before = pod.status.pid
    told = typed("edit", "configmap/node-local-dns", "-n", "kube-system", EDITOR=r"sed -i 's/^\( *\)errors$/&\n\1log/'")
    assert (told.returncode, told.stdout) == (0, "configmap/node-local-dns edited\n"), told.stderr
    shown = Path(f"/proc/{before}/root/etc/coredns/Corefile.base").read_text()
    assert shown.count("    log\n") == 4
    wait_until(lambda: "Reloading complete" in pod.log, 20, "the pod to take it up")
    assert pod.status.pid == before
    assert typed("edit", "cm/node-local-dns", "-n", "kube-system", EDITOR="true").stdout == (
        "Edit cancelled, no changes made.\n"
    )


@ONE_WORLD
def test_what_kubectl_refuses_is_refused_in_its_words(cluster: Cluster, typed: Typed, tmp_path: Path) -> None:
    manifest = str(lesson.Teacher(cluster.world.place).shell.folder / "nodelocaldns.yaml")
    again = typed("create", "-f", manifest)
    assert again.returncode == 1
    assert 'daemonsets.apps "node-local-dns" already exists' in again.stderr
    absent = typed("get", "svc", "no-such")
    assert (absent.returncode, absent.stderr) == (1, 'Error from server (NotFound): services "no-such" not found\n')
    assert typed("get", "pods", "-l", "k8s-app=no-such").stderr == "No resources found in default namespace.\n"
    assert typed("create", "-f", str(tmp_path / "none")).returncode == 5


@ONE_WORLD
def test_tables_tell_the_truth(cluster: Cluster, typed: Typed) -> None:
    os.kill(pod_on(cluster).status.pid, signal.SIGSTOP)
    try:
        told = typed("get", "pods", "-n", "kube-system", "-l", "k8s-app=node-local-dns", "-o", "wide")
    finally:
        os.kill(pod_on(cluster).status.pid, signal.SIGCONT)
    rows = {line.split()[-1]: line.split()[1] for line in told.stdout.splitlines()[1:]}
    assert rows == {"k01-control-plane": "1/1", "k01-worker": "0/1", "k01-worker2": "1/1"}
    assert (
        typed("get", "svc", "kube-dns", "-n", "kube-system", "-o", "jsonpath={.spec.clusterIP}").stdout == "10.96.0.10"
    )


@ONE_WORLD
def test_delete_ends_all_and_the_world_forgets_the_service(cluster: Cluster, typed: Typed) -> None:
    pids = [pod.status.pid for pod in cluster.pods()]
    manifest = str(lesson.Teacher(cluster.world.place).shell.folder / "nodelocaldns.yaml")
    told = typed("delete", "-f", manifest)
    assert told.returncode == 0, told.stderr
    assert 'daemonset.apps "node-local-dns" deleted\n' in told.stdout
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    world = standing(cluster.world.place)
    assert [service.name for service in world.topology.services] == ["kubernetes", "kube-dns"]
    assert "kube-dns-upstream" not in world.run(NODE, "iptables", "-t", "nat", "-S").stdout
    assert "nodelocaldns" not in world.run(NODE, "ip", "link").stdout
    assert Cluster(world).find(Key(kind="DaemonSet", namespace="kube-system", name="node-local-dns")) is None


@ONE_WORLD
def test_a_world_that_goes_takes_pods_and_keepers_along(cluster: Cluster) -> None:
    pids = [pod.status.pid for pod in cluster.pods()]
    assert all(pids)
    folder = str(cluster.folder)
    clear(cluster.world.place)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not any(folder.encode() in line for line in lines)
