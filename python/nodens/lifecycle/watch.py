"""Notices changed files. inotify says "look now"; what a look finds decides. A look every few seconds is the belt.

So every way of changing a file is seen: in place, by rename, by the kubelet's swap of the `..data` symlink, a bind
mount written from outside, a directory that appears later - on file systems without inotify a little later.
"""

from __future__ import annotations

import ctypes
import os
import select
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

POLL_S: Final = 5.0  # the belt
_QUIET_S: Final = 0.05  # writers take several steps; wait until they pause
_QUIET_LIMIT: Final = 20  # but not for ever: a second in all
_EVENTS_BYTES: Final = 65536

# <sys/inotify.h>
_IN_MODIFY, _IN_ATTRIB, _IN_CLOSE_WRITE = 0x2, 0x4, 0x8
_IN_MOVED_FROM, _IN_MOVED_TO, _IN_CREATE, _IN_DELETE = 0x40, 0x80, 0x100, 0x200
_IN_DELETE_SELF, _IN_MOVE_SELF = 0x400, 0x800
_MASK: Final = (
    _IN_MODIFY
    | _IN_ATTRIB
    | _IN_CLOSE_WRITE
    | _IN_MOVED_FROM
    | _IN_MOVED_TO
    | _IN_CREATE
    | _IN_DELETE
    | _IN_DELETE_SELF
    | _IN_MOVE_SELF
)

Look: TypeAlias = tuple[tuple[object, ...], ...]
"""What a look at the watched paths found; equal if nothing changed."""


def look(paths: Iterable[Path]) -> Look:
    """Fingerprint files, and directories with the files in them, following symlinks. Missing ones count as such."""
    return tuple((str(path), _stat(path), _inside(path)) for path in sorted(set(paths)))


def _stat(path: Path) -> tuple[int, ...] | None:
    """Tell a file's content from another without reading it."""
    try:
        found = path.stat()
    except OSError:
        return None
    if path.is_dir():
        return ()
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _inside(path: Path) -> tuple[tuple[str, object], ...]:
    """The visible files of a directory."""
    try:
        names = sorted(name for name in os.listdir(path) if not name.startswith("."))  # noqa: PTH208 - names only
    except OSError:
        return ()
    return tuple((name, _stat(path / name)) for name in names)


class Watch:
    """Calls `noticed` from its own thread when a look finds something new."""

    def __init__(self, noticed: Callable[[], None]) -> None:
        """Watch nothing yet."""
        self._noticed = noticed
        self._lock = Lock()
        self._paths: frozenset[Path] = frozenset()
        self._last: Look = ()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._inotify = int(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))  # -1: the belt must do
        self._wake, self._waker = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._is_over = Event()
        self._thread = Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; nothing is called any more."""
        self._is_over.set()
        self._nudge()
        self._thread.join(POLL_S)
        for descriptor in (self._inotify, self._wake, self._waker):
            if descriptor >= 0:
                os.close(descriptor)

    def follow(self, paths: Iterable[Path]) -> None:
        """Watch these and no others. What they are now is the known state, unless they were watched before."""
        with self._lock:
            fresh = frozenset(paths)
            if fresh == self._paths:
                return
            known = {entry[0]: entry for entry in self._last}
            self._paths = fresh
            self._last = tuple(known.get(entry[0], entry) for entry in look(fresh))
            self._hold()
        self._nudge()

    def _nudge(self) -> None:
        """Make the thread look."""
        with suppress(OSError):
            os.write(self._waker, b".")

    def _hold(self) -> None:
        """Put inotify on each path, on what it points to, and on the folders where their names stand."""
        if self._inotify < 0:
            return
        for place in {place for path in self._paths for place in _places(path)}:
            self._libc.inotify_add_watch(self._inotify, os.fsencode(place), _MASK)  # one that is there is kept

    def _run(self) -> None:
        """Wait, look, tell."""
        poller = select.poll()
        poller.register(self._wake, select.POLLIN)
        if self._inotify >= 0:
            poller.register(self._inotify, select.POLLIN)
        while not self._is_over.is_set():
            poller.poll(POLL_S * 1000)
            for _ in range(_QUIET_LIMIT):
                self._drain()
                if self._is_over.is_set() or not poller.poll(_QUIET_S * 1000):
                    break
            if not self._is_over.is_set() and self._is_new():
                self._noticed()

    def _drain(self) -> None:
        """Take away what woke us; only that something happened matters."""
        for descriptor in (self._wake, self._inotify):
            with suppress(OSError):
                while descriptor >= 0 and os.read(descriptor, _EVENTS_BYTES):
                    pass

    def _is_new(self) -> bool:
        """Look, and remember."""
        with self._lock:
            self._hold()  # first, so that nothing slips between the look and the watch
            found = look(self._paths)
            is_new = found != self._last
            self._last = found
        return is_new


def _places(path: Path) -> set[Path]:
    """Where a change of this path can be seen: itself, every symlink on the way, and the folder of each."""
    places: set[Path] = set()
    current = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow the very links we want to see
    for _ in range(8):  # as many links in a row are a mistake
        places |= {current, current.parent}
        try:
            current = current.parent / current.readlink()
        except OSError:
            break
    # A folder that is itself reached through a link, as `..data` is, and one that is not there yet.
    with suppress(OSError):
        places.add(path.parent.resolve())
    places |= {parent for parent in current.parents if not path.parent.exists() and parent.exists()}
    return {place for place in places if place.exists()}


@contextmanager
def watching(noticed: Callable[[], None]) -> Iterator[Watch]:
    """Watch for as long as the block runs."""
    watch = Watch(noticed)
    watch.start()
    try:
        yield watch
    finally:
        watch.stop()
