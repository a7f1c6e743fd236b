"""Takes a world away, or whatever is left of one: works from what is there, not from what was written down."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator

from nodens.errors import LabError
from nodens.lab.world.errands import run
from nodens.lab.world.place import NAMESPACES, Place
from nodens.lab.world.programs import bury, wait_until

POLITE_S = 6.0  # an agent drains for up to 5
KILLED_S = 5.0
_UNMOUNTS_LIMIT = 16


def clear(place: Place) -> list[str]:
    """End every program, remove every namespace, the folder and its mounts; gives what was there, in words."""
    found = []
    if pids := list(pids_in(place)):
        found.append(f"{len(pids)} programs")
        _end(place)
    had_no_namespaces = (place.folder / "made-netns-folder").exists()
    if place.folder.exists():
        found.append(str(place.folder))
        _remove_folder(place)
    if names := place.namespaces():
        found.append(f"{len(names)} namespaces")
        run(["ip", "-force", "-batch", "-"], text="".join(f"netns del {name}\n" for name in names))
    if had_no_namespaces:
        _remove_namespace_folder()
    return found


def pids_in(place: Place) -> Iterator[int]:
    """Find every process that is in one of our networks."""
    ours = set()
    for name in place.namespaces():
        with contextlib.suppress(FileNotFoundError):
            status = os.stat(NAMESPACES / name)  # noqa: PTH116 - device and inode of what is mounted there
            ours.add((status.st_dev, status.st_ino))
    for entry in os.listdir("/proc") if ours else ():  # noqa: PTH208 - numbers, not paths
        if entry.isdecimal() and int(entry) != os.getpid():
            with contextlib.suppress(OSError):
                status = os.stat(f"/proc/{entry}/ns/net")  # noqa: PTH116 - the same
                if (status.st_dev, status.st_ino) in ours:
                    yield int(entry)


def _end(place: Place) -> None:
    """End them politely, then not."""
    for sign, patience_s in ((signal.SIGTERM, POLITE_S), (signal.SIGKILL, KILLED_S)):
        for pid in pids_in(place):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sign)
        with contextlib.suppress(LabError):
            wait_until(lambda: not _left(place), patience_s, "programs to end")
            return
    raise LabError(f"lab: these processes do not end: {', '.join(map(str, pids_in(place)))}")


def _left(place: Place) -> list[int]:
    """Give those that still run."""
    bury()
    return list(pids_in(place))


def _remove_folder(place: Place) -> None:
    for _ in range(_UNMOUNTS_LIMIT):
        if run(["umount", "-R", "-l", str(place.folder)], check=False).code:
            break
    if os.path.ismount(place.folder):
        raise LabError(f"{place.folder}: cannot be unmounted; expected no mount there")
    shutil.rmtree(place.folder)


def _remove_namespace_folder() -> None:
    """Remove /run/netns, if it came with us and nobody else has come since."""
    with contextlib.suppress(OSError):
        if not any(NAMESPACES.iterdir()):
            run(["umount", "-l", str(NAMESPACES)], check=False)
            NAMESPACES.rmdir()
