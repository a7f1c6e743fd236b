"""One object in an editor: written out, changed by a person, read back."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

import yaml

from nodens.errors import LabError
from nodens.lab.kube import seen
from nodens.lab.kube.cluster import Cluster
from nodens.lab.kube.objects import Key, KubeObject, read_manifest


class _Readable(yaml.SafeDumper):
    """Writes texts of many lines as such."""


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Readable.add_representer(str, _write_text)


def spell(body: object) -> str:
    """Write an object as a person reads it."""
    return yaml.dump(body, Dumper=_Readable, sort_keys=False)


def edit(cluster: Cluster, key: Key) -> KubeObject | None:
    """Have somebody change an object; None if nothing was changed."""
    found = cluster.find(key)
    if found is None:
        raise LabError(f'Error from server (NotFound): {seen.plural(key)} "{key.name}" not found')
    text = spell(found.body)
    with tempfile.TemporaryDirectory(prefix="nodens-lab-") as folder:
        path = Path(folder) / f"{key.name}.yaml"
        path.write_text(text, encoding="utf-8")
        editor = os.environ.get("KUBE_EDITOR") or os.environ.get("EDITOR") or "vi"
        ended = subprocess.run([*shlex.split(editor), str(path)], check=False)
        if ended.returncode:
            raise LabError(f"edit: `{editor}` ended with {ended.returncode}; nothing is changed")
        changed = path.read_text(encoding="utf-8")
    if changed == text:
        return None
    objects = read_manifest(changed, f"{key}, edited")
    if [each.key for each in objects] != [key]:
        raise LabError(f"edit: kind, name and namespace may not change; expected {key}")
    return objects[0]
