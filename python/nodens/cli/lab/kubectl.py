"""What the sub-commands that stand for kubectl share: `-n`, `-f`, objects named on the command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nodens.cli.lab.where import add_world, standing
from nodens.errors import LabError
from nodens.lab.kube import Cluster, Key, KubeObject, kind_of, read_manifest
from nodens.lab.world import require

if TYPE_CHECKING:
    from collections.abc import Sequence

WHAT_IT_IS: Final = (
    "This is no Kubernetes. The lab reads the manifest, adds Services to kube-proxy's rules, writes ConfigMaps as the "
    "kubelet does, and starts a DaemonSet's container on each node: always our own program, whatever image is named, "
    "with the "
    "arguments, environment, mounts and capabilities of the manifest. Controllers run inside the command, so a "
    "roll-out "
    "is over when it returns. Not honoured: resources, seccomp, minReadySeconds, liveness probes, tolerations."
)


def parser_of(command: str, description: str, *, has_file: bool = False) -> argparse.ArgumentParser:
    """Begin a command line."""
    parser = argparse.ArgumentParser(prog=f"nodens lab {command}", description=f"{description} {WHAT_IT_IS}")
    if has_file:
        parser.add_argument("-f", "--filename", required=True, metavar="FILE", help="a manifest; `-` for what comes in")
    parser.add_argument("-n", "--namespace", default="default", metavar="NAME", help="default: %(default)s")
    add_world(parser)
    return parser


def cluster_of(asked: argparse.Namespace) -> Cluster:
    """Give the cluster of the world that is meant."""
    require()
    return Cluster(standing(asked.world))


def read_file(asked: argparse.Namespace) -> list[KubeObject]:
    """Read the objects of `-f`."""
    if asked.filename == "-":
        return read_manifest(sys.stdin.read(), "stdin")
    path = Path(asked.filename)
    if not path.is_file():
        raise LabError(f'error: the path "{path}" does not exist')
    return read_manifest(path.read_text(encoding="utf-8"), str(path))


def read_key(words: Sequence[str], namespace: str) -> Key:
    """Read `kind/name` or `kind name`."""
    kind, slash, name = words[0].partition("/")
    if not slash and len(words) > 1:
        name = words[1]
    if not name:
        raise LabError(f"`{' '.join(words)}`: no name; expected such as daemonset/node-local-dns")
    return Key(kind=kind_of(kind), namespace=namespace, name=name)


def tell(text: str) -> None:
    """Say how it goes, where it does not mix with the output."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
