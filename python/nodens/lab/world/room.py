r"""A room is what a node or a container sees: a network, and files of its own in /etc and /run. The host keeps its own.

Made once with `unshare`, and kept by handles in the world's folder (bind mounts of the namespaces), so no process has
to hold it. A pod with `hostNetwork` is a room on its node's network.

    room = open_room(place, "k01-worker", Furniture(resolv_conf="nameserver 172.18.0.1\n"))
    run(room.command("cat", "/etc/resolv.conf"))

/etc is a folder of links to the host's files (they stand at /run/host/etc inside), with the room's own beside them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nodens.lab.world.errands import run
from nodens.lab.world.place import NAMESPACES, Place

# Run inside the new namespaces: $1 is the room's folder, $2 its host name, then pairs of what is mounted where.
_FURNISH = """
room=$1 hostname=$2; shift 2
mount --bind /etc "$room/run/host/etc"
mount --bind "$room/etc" /etc
if mount --rbind /sys/fs/cgroup "$room/run/host/cgroup" 2>/dev/null; then cgroup=1; else cgroup=; fi
mount -t sysfs sysfs /sys
if [ "$cgroup" ]; then mount --rbind "$room/run/host/cgroup" /sys/fs/cgroup 2>/dev/null || true; fi
if [ -d /run/netns ]; then umount -l /run/netns 2>/dev/null || true; fi
while [ $# -gt 0 ]; do mount --bind "$1" "$2"; shift 2; done
mount --rbind "$room/run" /run
hostname "$hostname" 2>/dev/null || true
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A room by name. `network` is the room whose network it has: its own, or its node's."""

    place: Place
    name: str
    network: str

    @property
    def folder(self) -> Path:
        """Give its folder, as the host sees it."""
        return self.place.room_folder(self.name)

    @property
    def namespace(self) -> str:
        """Give its network namespace, as `ip netns` names it."""
        return self.place.namespace(self.network)

    def path(self, inside: str) -> Path:
        """Give where a file under the room's own /etc, /run or volumes stands on the host."""
        return self.folder / inside.lstrip("/")

    def command(self, *words: str) -> list[str]:
        """Give the command line that runs a program inside; it becomes that program."""
        handles = [
            f"--net={NAMESPACES / self.namespace}",
            f"--mount={self.folder / 'mnt'}",
            f"--uts={self.folder / 'uts'}",
        ]
        return ["nsenter", *handles, "--", *words]


@dataclass(frozen=True, slots=True, kw_only=True)
class Furniture:
    """What stands in a room: files under /etc and /run, folders of the host that are mounted, its host name."""

    resolv_conf: str
    hostname: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[str, Path] = field(default_factory=dict)


def open_room(place: Place, name: str, furniture: Furniture, *, network: str = "") -> Room:
    """Make a room on a network that is there already."""
    room = Room(place=place, name=name, network=network or name)
    for part in ("etc", "run/host/etc", "run/host/cgroup"):
        (room.folder / part).mkdir(parents=True, exist_ok=True)
    for handle in ("mnt", "uts"):
        (room.folder / handle).touch()
    (room.folder / "run" / "xtables.lock").touch(mode=0o600)
    hostname = furniture.hostname or name
    own = {"/etc/resolv.conf": furniture.resolv_conf, "/etc/hostname": f"{hostname}\n", **furniture.files}
    for path, text in own.items():
        room.path(path).parent.mkdir(parents=True, exist_ok=True)
        room.path(path).write_text(text, encoding="utf-8")
    mounts = dict(furniture.mounts)
    if room.network != name:  # one lock for all that touch this network's rules
        mounts["/run/xtables.lock"] = place.room_folder(room.network) / "run" / "xtables.lock"
    for target, source in mounts.items():
        _make_target(room, target, source)
    _link_host_files(room.folder / "etc")
    pairs = [word for target, source in mounts.items() for word in (str(source), _inside(room, target))]
    run(
        [
            "unshare",
            f"--mount={room.folder / 'mnt'}",
            f"--uts={room.folder / 'uts'}",
            *("--propagation", "slave"),
            *("nsenter", f"--net={NAMESPACES / room.namespace}", "--"),
            *("sh", "-euc", _FURNISH, "furnish", str(room.folder), hostname, *pairs),
        ]
    )
    return room


def close_room(room: Room) -> None:
    """Let a room go; its programs have ended before."""
    for handle in ("mnt", "uts"):
        run(["umount", "-l", str(room.folder / handle)], check=False)
    if not any(os.path.ismount(room.folder / handle) for handle in ("mnt", "uts")):
        shutil.rmtree(room.folder, ignore_errors=True)  # its own files; what was mounted in it went with it


def _make_target(room: Room, target: str, source: Path) -> None:
    """Make what a mount is put on, if it is in the room's own folders."""
    place = room.path(target)
    if source.is_dir():
        place.mkdir(parents=True, exist_ok=True)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()


def _inside(room: Room, target: str) -> str:
    """Give where a mount goes before the room's /run is in its place."""
    return str(room.path(target)) if target.startswith("/run/") else target


def _link_host_files(etc: Path) -> None:
    """Put a link to every file of the host's /etc that the room has none of its own for."""
    own = {entry.name for entry in etc.iterdir()}
    for entry in os.scandir("/etc"):
        if entry.name not in own:
            target = os.readlink(entry.path) if entry.is_symlink() else f"/run/host/etc/{entry.name}"  # noqa: PTH115 - an entry of scandir
            (etc / entry.name).symlink_to(os.path.normpath(os.path.join("/etc", target)))  # noqa: PTH118 - links are text
