"""Be inside a network for a moment: sockets that this thread opens there are of that network."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

from nodens.errors import LabError
from nodens.lab.world.place import NAMESPACES

_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Move this thread into a namespace by name, and back at the end."""
    with (
        open("/proc/thread-self/ns/net", "rb") as home,  # noqa: PTH123 - handles, not texts
        open(NAMESPACES / namespace, "rb") as there,  # noqa: PTH123 - the same
    ):
        _enter(there.fileno(), namespace)
        try:
            yield
        finally:
            _enter(home.fileno(), "home")


def _enter(descriptor: int, name: str) -> None:
    if _LIBC.setns(descriptor, _CLONE_NEWNET):
        raise LabError(f"{name}: cannot enter the namespace: {os.strerror(ctypes.get_errno())}")
