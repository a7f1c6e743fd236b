"""A manifest's container as an OCI bundle: what a kubelet and containerd make of a pod."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seccomp import runtime_default

MIB = 1 << 20
# What containerd's CRI plugin hides from a container that is not privileged.
MASKED = ["acpi", "asound", "kcore", "keys", "latency_stats", "timer_list", "timer_stats", "sched_debug", "scsi"]
READ_ONLY = ["bus", "fs", "irq", "sys", "sysrq-trigger"]
SAFE = ["nosuid", "noexec", "nodev"]


def configure(
    pod: dict[str, Any], image: dict[str, Any], *, volumes: dict[str, Path], network: str, environment: dict[str, str]
) -> dict[str, Any]:
    """Give the bundle's config.json for the pod's one container in a network namespace; volumes are folders by name."""
    (container,) = pod["containers"]
    rights = container["securityContext"]
    capabilities = [f"CAP_{name}" for name in rights["capabilities"].get("add", [])]
    assert rights["capabilities"]["drop"] == ["ALL"]
    assert rights["seccompProfile"] == {"type": "RuntimeDefault"}
    of_root = capabilities if rights["runAsUser"] == 0 else []  # another user's are lost at exec
    declared = {each["name"]: each for each in pod["volumes"]}
    limit = container["resources"]["limits"]["memory"]
    assert limit.endswith("Mi")
    return {
        "ociVersion": "1.0.2",
        "hostname": "node-1",
        "process": {
            "user": {"uid": rights["runAsUser"], "gid": rights["runAsGroup"]},
            "args": [*container.get("command", image["Entrypoint"]), *container["args"]],
            "env": [*image["Env"], *(f"{name}={value}" for name, value in environment.items())],
            "cwd": "/",
            "capabilities": {"bounding": capabilities, "effective": of_root, "permitted": of_root},
            "noNewPrivileges": not rights["allowPrivilegeEscalation"],
        },
        "root": {"path": "rootfs", "readonly": rights["readOnlyRootFilesystem"]},
        "mounts": [
            *_system(),
            *(_volume(mount, declared[mount["name"]], volumes) for mount in container["volumeMounts"]),
            # The kubelet's own: `dnsPolicy: Default` is the node's resolv.conf.
            _bind(volumes["resolv.conf"], "/etc/resolv.conf", is_read_only=rights["readOnlyRootFilesystem"]),
        ],
        "linux": {
            "namespaces": [
                *({"type": kind} for kind in ("pid", "ipc", "uts", "mount")),
                {"type": "network", "path": f"/run/netns/{network}"},
            ],
            "resources": {
                "devices": [{"allow": False, "access": "rwm"}],  # the runtime adds its own list
                "memory": {"limit": int(limit.removesuffix("Mi")) * MIB},
            },
            "sysctl": {each["name"]: each["value"] for each in pod.get("securityContext", {}).get("sysctls", [])},
            "maskedPaths": [f"/proc/{name}" for name in MASKED] + ["/sys/firmware"],
            "readonlyPaths": [f"/proc/{name}" for name in READ_ONLY],
            "seccomp": runtime_default(capabilities),
        },
    }


def _system() -> list[dict[str, Any]]:
    """What every container gets."""
    return [
        {"destination": "/proc", "type": "proc", "source": "proc", "options": SAFE},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=65536k"]},
        {
            "destination": "/dev/pts",
            "type": "devpts",
            "source": "devpts",
            "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        },
        {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": [*SAFE, "mode=1777", "size=65536k"]},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": [*SAFE, "ro"]},
    ]


def _volume(mount: dict[str, Any], volume: dict[str, Any], volumes: dict[str, Path]) -> dict[str, Any]:
    """Mount one volume: of the host, in memory, or a folder that the kubelet filled."""
    where, is_read_only = mount["mountPath"], mount.get("readOnly", False)
    if "hostPath" in volume:
        return _bind(volumes.get(mount["name"], Path(volume["hostPath"]["path"])), where, is_read_only=is_read_only)
    return _bind(volumes[mount["name"]], where, is_read_only=is_read_only)


def _bind(source: Path, where: str, *, is_read_only: bool) -> dict[str, Any]:
    """Show a file or folder of the host."""
    options = ["rbind", "rprivate", "ro" if is_read_only else "rw"]
    return {"destination": where, "type": "bind", "source": str(source), "options": options}
