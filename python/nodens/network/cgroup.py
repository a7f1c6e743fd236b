"""What the cgroups of this process allow: whole memory and cores, version 1 or 2, the tightest of all parents."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NO_LIMIT_BYTES: Final = 1 << 60  # version 1 writes "no limit" as a number near 2^63


def memory_limit_bytes(root: Path) -> int | None:
    """The hard memory limit; None without one."""
    limits = [
        limit for text in _each(root, "memory", "memory.max", "memory.limit_in_bytes") if (limit := _number(text))
    ]
    tightest = min(limits, default=_NO_LIMIT_BYTES)
    return tightest if tightest < _NO_LIMIT_BYTES else None


def core_quota(root: Path) -> float | None:
    """Cores' worth of time a second; None without a quota."""
    quotas: list[float] = []
    for text in _each(root, "cpu", "cpu.max", None):
        quota, _, period = text.strip().partition(" ")
        if quota.isdecimal() and period.isdecimal() and int(period):
            quotas.append(int(quota) / int(period))
    version1 = zip(
        _each(root, "cpu", None, "cpu.cfs_quota_us"), _each(root, "cpu", None, "cpu.cfs_period_us"), strict=False
    )
    for quota_text, period_text in version1:
        quota_us, period_us = _number(quota_text), _number(period_text)
        if quota_us and period_us:
            quotas.append(quota_us / period_us)
    return min(quotas, default=None)


def _each(root: Path, controller: str, name: str | None, name_v1: str | None) -> Iterator[str]:
    """Read a file of our cgroup and of each of its parents, in whichever hierarchy holds the controller."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers == "" and name:
            yield from _walk(root / "sys/fs/cgroup", path, name)
            yield from _walk(root / "sys/fs/cgroup/unified", path, name)
        elif controller in controllers.split(",") and name_v1:
            yield from _walk(root / "sys/fs/cgroup" / controller, path, name_v1)


def _walk(mount: Path, path: str, name: str) -> Iterator[str]:
    """Read `name` in the cgroup and upwards; in a container the own path may be hidden, then only the mount is read."""
    group = mount / path.lstrip("/")
    for folder in (group, *group.parents):
        with suppress(OSError):
            yield (folder / name).read_text()
        if folder == mount:
            return


def _number(text: str) -> int | None:
    """Read a positive whole number; `max` and -1 are none."""
    word = text.strip()
    return int(word) if word.isdecimal() else None
