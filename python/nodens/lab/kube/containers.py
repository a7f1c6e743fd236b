"""A pod template and a node -> what is to be started there. Pure; what cannot be honoured is an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from nodens.errors import LabError

# What a container runtime grants a root container that drops nothing.
RUNTIME_CAPABILITIES: Final = frozenset(
    {
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW"),
        *("SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    }
)
GRACE_S: Final = 30  # Kubernetes' default of terminationGracePeriodSeconds
_ENTRY_POINT: Final = "node-cache"  # of the official image and of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A volume's place in the container."""

    volume: str
    path: str
    sub_path: str
    is_read_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A question to the container: over HTTP, or a program run inside."""

    url: str
    words: tuple[str, ...]
    timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A program with all that it may have."""

    name: str
    words: tuple[str, ...]
    mounts: tuple[Mount, ...]
    capabilities: tuple[str, ...]
    is_root_read_only: bool
    may_gain: bool
    startup: Probe | None
    readiness: Probe | None


def read_container(body: Mapping[str, Any]) -> Container:
    """Read a container of a pod template."""
    name = str(body.get("name"))
    security = body.get("securityContext") or {}
    if security.get("runAsUser") not in {None, 0}:
        user = security["runAsUser"]
        raise LabError(
            f"container {name}: runAsUser {user}; expected 0, for the lab has no image with file capabilities"
        )
    return Container(
        name=name,
        words=(*(_words(body.get("command")) or (_ENTRY_POINT,)), *_words(body.get("args"))),
        mounts=tuple(
            Mount(
                volume=str(mount["name"]),
                path=str(mount["mountPath"]),
                sub_path=str(mount.get("subPath") or ""),
                is_read_only=bool(mount.get("readOnly")),
            )
            for mount in body.get("volumeMounts") or []
        ),
        capabilities=_capabilities(security),
        is_root_read_only=bool(security.get("readOnlyRootFilesystem")),
        may_gain=security.get("allowPrivilegeEscalation") is not False,
        startup=_probe(name, body.get("startupProbe")),
        readiness=_probe(name, body.get("readinessProbe")),
    )


def _words(given: object) -> tuple[str, ...]:
    """Read `command` or `args`."""
    return tuple(str(word) for word in given) if isinstance(given, list) else ()


def _capabilities(security: Mapping[str, Any]) -> tuple[str, ...]:
    """Take what the runtime grants, less `drop`, plus `add`."""
    asked = security.get("capabilities") or {}
    drop = {str(name).removeprefix("CAP_") for name in asked.get("drop") or []}
    add = {str(name).removeprefix("CAP_") for name in asked.get("add") or []}
    kept = frozenset[str]() if "ALL" in drop else RUNTIME_CAPABILITIES - drop
    return tuple(sorted(kept | add))


def _probe(container: str, body: Mapping[str, Any] | None) -> Probe | None:
    """Read a probe; without one a container has started, and is ready, when it runs."""
    if not body:
        return None
    url = ""
    words: tuple[str, ...] = ()
    if http := body.get("httpGet"):
        host = str(http.get("host") or "127.0.0.1")
        scheme = str(http.get("scheme") or "HTTP").lower()
        url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{http['port']}{http.get('path', '/')}"
    elif program := body.get("exec"):
        words = _words(program.get("command"))
    else:
        raise LabError(f"container {container}: a probe that is neither httpGet nor exec")
    return Probe(
        url=url,
        words=words,
        timeout_s=float(body.get("timeoutSeconds") or 1),
    )
