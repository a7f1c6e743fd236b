"""Becoming a container: the node's network, mounts of its own, no more capabilities than asked. Then the program.

It shares the machine's processes and the programs under /usr; there is no image. What it must not see of the machine -
the resolver's file, /run, /tmp, devices - it has new.
"""

from __future__ import annotations

import ctypes
import os
import stat
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from nodens.errors import LabError

_CLONE_NEWNS: Final = 0x0002_0000
_CLONE_NEWNET: Final = 0x4000_0000
_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 0x1, 0x20, 0x1000, 0x4000, 0x4_0000
_PR_CAPBSET_DROP: Final = 24
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_SET_PDEATHSIG: Final = 1
_CAPABILITY_VERSION: Final = 0x2008_0522
_SIGKILL: Final = 9
_DEVICES: Final = ("null", "zero", "full", "random", "urandom", "tty")
_NEW: Final = ("etc", "run", "tmp", "dev", "proc", "sys", "mnt", "media", "lost+found", "old_root")
# By their numbers in the kernel.
CAPABILITIES: Final = (
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
)

_libc = ctypes.CDLL(None, use_errno=True)


def _must(result: int, what: str) -> None:
    """Raise if a call of libc refused."""
    if result:
        raise LabError(f"{what}: {os.strerror(ctypes.get_errno())}")


def _mount(source: str, target: Path, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount something."""
    done = _libc.mount(source.encode(), str(target).encode(), kind.encode() or None, flags, options.encode() or None)
    _must(done, f"mount {source} on {target}")


def bind(source: Path, target: Path, *, is_read_only: bool = False, is_deep: bool = False) -> None:
    """Show a file or folder at another place, which is made if it is not there."""
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    _mount(str(source), target, flags=_MS_BIND | (_MS_REC if is_deep else 0))
    if is_read_only:
        _mount("none", target, flags=_MS_BIND | _MS_REMOUNT | _MS_RDONLY)


def join_network(namespace: str) -> None:
    """Be on a node's network from now on."""
    with Path(f"/run/netns/{namespace}").open("rb") as opened:
        _must(_libc.setns(opened.fileno(), _CLONE_NEWNET), f"join namespace {namespace}")


def make_root(root: Path, seen: Sequence[Path]) -> None:
    """Build a root file system below an empty folder: the machine's programs, all else new. `seen` is seen in it."""
    _must(_libc.unshare(_CLONE_NEWNS), "unshare mounts")
    _mount("none", Path("/"), flags=_MS_REC | _MS_PRIVATE)
    _mount("tmpfs", root, "tmpfs", 0, "mode=755")
    for entry in sorted(Path("/").iterdir()):
        if entry.is_symlink():
            (root / entry.name).symlink_to(entry.readlink())
        elif entry.is_dir() and entry.name not in _NEW:
            bind(entry, root / entry.name)
    for name in _NEW[:6]:
        (root / name).mkdir(exist_ok=True)
    _furnish(root)
    for path in seen:
        if not (root / path.relative_to("/")).exists():
            bind(path, root / path.relative_to("/"))


def _furnish(root: Path) -> None:
    """Give /etc the machine's files but the resolver's, /proc, /sys, and the devices that every container has."""
    bind(Path("/"), root / ".machine", is_read_only=True)
    for entry in Path("/etc").iterdir():
        if entry.name not in {"resolv.conf", "coredns", "kube-dns"}:
            (root / "etc" / entry.name).symlink_to(f"/.machine/etc/{entry.name}")
    bind(Path("/proc"), root / "proc", is_deep=True)
    _mount("sysfs", root / "sys", "sysfs")
    if Path("/sys/fs/cgroup").is_dir():
        bind(Path("/sys/fs/cgroup"), root / "sys/fs/cgroup", is_read_only=True, is_deep=True)
    for name in _DEVICES:
        if stat.S_ISCHR(Path(f"/dev/{name}").stat().st_mode):
            bind(Path(f"/dev/{name}"), root / "dev" / name)


def enter_root(root: Path, *, is_read_only: bool) -> None:
    """Let the new root be ours."""
    if is_read_only:
        _mount("none", root, flags=_MS_BIND | _MS_REMOUNT | _MS_RDONLY)
    os.chroot(root)
    os.chdir("/")


def keep_capabilities(names: Sequence[str], *, may_gain: bool) -> None:
    """Drop every capability but these, for ever."""
    unknown = sorted(set(names) - {*CAPABILITIES, "ALL"})
    if unknown:
        raise LabError(f"capability `{unknown[0]}` is not known; expected such as `NET_ADMIN`")
    if "ALL" in names:
        return
    numbers = {CAPABILITIES.index(name) for name in names}
    for number in range(64):
        if number not in numbers and _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0) and number < len(CAPABILITIES):
            raise LabError(f"drop capability {CAPABILITIES[number]}: {os.strerror(ctypes.get_errno())}")
    if not may_gain:
        _must(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "set no_new_privs")
    low, high = (sum(1 << (number % 32) for number in numbers if number // 32 == half) for half in (0, 1))
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)(low, low, 0, high, high, 0)
    _must(_libc.capset(header, sets), "set capabilities")


def die_with_parent() -> None:
    """Have the kernel kill us with whoever started us."""
    _must(_libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0), "set the parent's death signal")


def become(words: Sequence[str], environment: Mapping[str, str]) -> None:
    """Turn into the program; does not come back."""
    os.execve(words[0], list(words), dict(environment))  # noqa: S606 - the container's own program, no shell


def own_code() -> list[Path]:
    """Give the folders without which our program does not run."""
    package = Path(__file__).resolve().parents[3]
    return [package, *{Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent}]
