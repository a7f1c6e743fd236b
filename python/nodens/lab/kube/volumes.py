"""Volumes on a node: ConfigMaps written as the kubelet writes them, the node's own paths, empty folders."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from nodens.errors import LabError
from nodens.lab.kube.objects import KubeObject

_DATA: Final = "..data"


def write_config_map(folder: Path, data: Mapping[str, str], stamp: str) -> None:
    """Put the data into a new folder and swap the symlink `..data` onto it, so that no reader sees half of it."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh, link = folder / f"..{stamp}", folder / _DATA
    old = Path(os.readlink(link)) if link.is_symlink() else None  # noqa: PTH115 - a name beside it, not a path
    fresh.mkdir()
    for name, text in data.items():
        (fresh / name).write_text(text, encoding="utf-8")
    swap = folder / "..data_tmp"
    swap.symlink_to(fresh.name)
    swap.replace(link)
    for name in data:
        shown = folder / name
        if not shown.is_symlink():
            shown.symlink_to(f"{_DATA}/{name}")
    for entry in folder.iterdir():
        if not entry.name.startswith("..") and entry.name not in data:
            entry.unlink()
    if old:
        shutil.rmtree(folder / old.name)


def config_map_data(volume: Mapping[str, Any], found: KubeObject | None, place: str) -> dict[str, str]:
    """Choose what of a ConfigMap goes into a volume: all keys, or `items`."""
    source = volume["configMap"]
    if found is None:
        if source.get("optional"):
            return {}
        raise LabError(f'{place}: configmap "{source.get("name")}" not found')
    data = {str(name): str(text) for name, text in (found.body.get("data") or {}).items()}
    items = source.get("items")
    if items is None:
        return data
    if missing := [str(item["key"]) for item in items if item["key"] not in data and not source.get("optional")]:
        raise LabError(f"{place}: configmap references non-existent config key: {missing[0]}")
    return {str(item["path"]): data[item["key"]] for item in items if item["key"] in data}


def host_path(volume: Mapping[str, Any], node_folder: Path, place: str) -> Path:
    """Give a path of the node: devices are the machine's, all else lies in the node's own folder."""
    source = volume["hostPath"]
    path, kind = str(source["path"]), str(source.get("type") or "")
    if kind == "CharDevice" and not (Path(path).exists() and stat.S_ISCHR(Path(path).stat().st_mode)):
        raise LabError(f"{place}: hostPath type check failed: {path} is not a character device")
    if path.startswith("/dev/") and Path(path).exists():
        return Path(path)  # nodes of the lab have no devices of their own
    there = node_folder / path.lstrip("/")
    there.parent.mkdir(parents=True, exist_ok=True)
    if kind == "FileOrCreate":
        there.touch()
    elif kind == "DirectoryOrCreate":
        there.mkdir(parents=True, exist_ok=True)
    elif not there.exists():
        raise LabError(f"{place}: hostPath {path} is not there on this node of the lab")
    return there
