"""The seccomp profile that container tools ship, as a runtime applies it to a container with these capabilities."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

SHIPPED = Path("/usr/share/containers/seccomp.json")  # Debian: golang-github-containers-common, with buildah
ARCHITECTURES = {"x86_64": ("amd64", "SCMP_ARCH_X86_64"), "aarch64": ("arm64", "SCMP_ARCH_AARCH64")}


def runtime_default(capabilities: list[str]) -> dict[str, Any]:
    """Resolve the shipped profile's conditions, as `seccompProfile: {type: RuntimeDefault}` means it."""
    profile = json.loads(SHIPPED.read_text())
    short, architecture = ARCHITECTURES[platform.machine()]
    below = next(each["subArchitectures"] for each in profile["archMap"] if each["architecture"] == architecture)
    return {
        "defaultAction": profile["defaultAction"],
        "defaultErrnoRet": profile["defaultErrnoRet"],
        "architectures": [architecture, *below],
        "syscalls": [
            _plain(rule)
            for rule in profile["syscalls"]
            if _holds(rule["includes"], short, capabilities, empty=True)
            and not _holds(rule["excludes"], short, capabilities, empty=False)
        ],
    }


def _holds(condition: dict[str, list[str]], architecture: str, capabilities: list[str], *, empty: bool) -> bool:
    """Whether a rule's condition is met; one that is not there is as said."""
    if not condition:
        return empty
    fits = architecture in condition["arches"] if "arches" in condition else True
    return fits and (set(condition.get("caps", [])) <= set(capabilities))


def _plain(rule: dict[str, Any]) -> dict[str, Any]:
    """Leave of a rule what a runtime reads."""
    kept = {key: rule[key] for key in ("names", "action", "errnoRet") if key in rule}
    return kept | ({"args": rule["args"]} if rule.get("args") else {})
