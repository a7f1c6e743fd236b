"""Fixtures: the image as it was built, a node beside cluster DNS, the manifest's pod on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).parent
HOUSE = HERE.parents[1]
STEERING, LIFE = HOUSE / "tests/netns/steering", HOUSE / "tests/netns/life"
sys.path[:0] = [str(HERE), str(LIFE), str(STEERING), str(HOUSE / "tests/deploy")]  # tests are no package

from bundle import configure  # noqa: E402 - after the path
from container import Container, Image  # noqa: E402 - after the path
from node_life import in_namespace, teller  # noqa: E402 - after the path
from small_world import CLUSTER, World, proxy  # noqa: E402 - after the path

SERVER = "192.168.2.10"  # cluster DNS itself


def blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / digest.replace(":", "/")


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Give the image that `make image` built."""
    layout = HOUSE / "dist/image/nodens.oci"
    if not layout.exists():
        pytest.skip("needs dist/image/nodens.oci, which `deploy/image/build` makes")
    index = json.loads((layout / "index.json").read_text())
    manifest = json.loads(blob(layout, index["manifests"][0]["digest"]).read_text())
    layers = tuple(blob(layout, each["digest"]) for each in manifest["layers"])
    root = tmp_path_factory.mktemp("image") / "rootfs"
    root.mkdir()
    for layer in layers:
        subprocess.run(["tar", "-xpf", layer, "-C", root], check=True)
    return Image(json.loads(blob(layout, manifest["config"]["digest"]).read_text())["config"], layers, root)


@pytest.fixture(scope="session")
def manifest() -> list[dict[str, Any]]:
    """Give deploy/nodelocaldns.yaml with the values that its opening lines put in by sed."""
    text = (HOUSE / "deploy/nodelocaldns.yaml").read_text()
    for pillar, value in {
        "LOCAL__DNS": "169.254.20.10",
        "DNS__SERVER": "10.96.0.10",
        "DNS__DOMAIN": "cluster.local",
    }.items():
        text = text.replace(f"__PILLAR__{pillar}__", value)
    return list(yaml.safe_load_all(text))


@pytest.fixture
def world(needs: Callable[..., None]) -> Iterator[World]:
    """Give a node with kube-proxy's rules, a pod on it, and cluster DNS beside."""
    needs(root=True, programs=("ip", "nft", "runc"))
    made = World(prefix=f"nodens-i{os.getpid()}")
    made.raise_up()
    proxy(made, "nftables")
    server = in_namespace(made.dns, *teller(*CLUSTER.values()))
    try:
        assert server.stdout
        assert server.stdout.readline() == b"ready\n"
        yield made
    finally:
        server.kill()
        server.communicate()
        made.take_down()


@pytest.fixture
def start(image: Image, world: World, tmp_path: Path) -> Iterator[Callable[..., Container]]:
    """Give `start(objects)`: the manifest's pod on the node, as a kubelet there starts it."""
    running: list[Container] = []

    def begin(objects: list[dict[str, Any]], network: str | None = None) -> Container:
        by_kind = {each["kind"]: each for each in objects if each["kind"] != "Service"}
        folder = tmp_path / f"bundle-{len(running)}"
        corefiles, kube_dns, memory = (folder / name for name in ("corefiles", "kube-dns", "memory"))
        for each in (corefiles, kube_dns, memory):
            each.mkdir(parents=True)
        memory.chmod(0o777)  # as the kubelet makes an emptyDir
        (corefiles / "Corefile.base").write_text(by_kind["ConfigMap"]["data"]["Corefile"])
        (folder / "resolv.conf").write_text(f"nameserver {SERVER}\n")
        (folder / "xtables.lock").touch()
        subprocess.run(["cp", "-a", image.root, folder / "rootfs"], check=True)
        config = configure(
            by_kind["DaemonSet"]["spec"]["template"]["spec"],
            image.config,
            volumes={
                "config-volume": corefiles,
                "kube-dns-config": kube_dns,
                "run": memory,
                "resolv.conf": folder / "resolv.conf",
                "xtables-lock": folder / "xtables.lock",
            },
            network=network or world.node,
            environment={"KUBE_DNS_UPSTREAM_SERVICE_HOST": SERVER, "KUBE_DNS_SERVICE_HOST": "10.96.0.10"},
        )
        running.append(Container(folder, config))
        return running[-1]

    yield begin
    for each in running:
        each.close()
