"""Proof of CAP_NET_ADMIN over this network namespace, as a descriptor that one process sends to another.

A netfilter socket may listen to the kernel's events only if it was made by who may change the namespace's rules (the
kernel asks for CAP_NET_ADMIN in the user namespace that owns the network namespace when a group is joined). Bound to a
number that was not known before, it cannot be one that was lying about: a socket's number is given once. One number
has 30 bits, which a helper with many cores could hit in time; so a proof is several sockets, each with a number from
words of its own of one digest: 120 bits, and none to be searched alone. A user id is
no such proof (a pod of uid 0 without any capability has it), nor is a port below 1024, which container runtimes let
every pod of uid 0 bind.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import socket
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Final

from nodens.network.netlink import NETLINK_NETFILTER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SOCKETS: Final = 4  # that make a proof

_GROUP_BIT: Final = 1 << 6  # NFNLGRP_NFTABLES, the group that the keeper listens to, too
_SIOCGSKNS: Final = 0x894C  # <linux/sockios.h>: the namespace of a socket, since Linux 4.10
_LOWEST: Final = 1 << 22  # above every pid, which is the number of a process' first netlink socket
_HIGHEST: Final = (1 << 31) - 1


def numbers_for(*words: str, is_answer: bool) -> tuple[int, ...]:
    """Derive the numbers of a proof from what both sides have said; those who ask and who answer never share one.

    So a proof can be passed on to nobody with whom other words were changed, nor back to who made it.
    """
    told = hashlib.sha256(repr(words).encode()).digest()
    parts = [int.from_bytes(told[at : at + 4], "big") for at in range(0, 4 * SOCKETS, 4)]
    return tuple((_LOWEST + part % (_HIGHEST - _LOWEST)) & ~1 | is_answer for part in parts)


@contextmanager
def prove(numbers: Sequence[int]) -> Iterator[list[int]]:
    """Give the descriptors to send, which last as long as the context. Raises OSError: EPERM without the capability."""
    with ExitStack() as made:
        yield [made.enter_context(_prove(number)).fileno() for number in numbers]


def _prove(number: int) -> socket.socket:
    """Make one socket of a proof. Raises OSError."""
    proof = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER)
    try:
        proof.bind((number, _GROUP_BIT))
    except OSError:
        proof.close()
        raise
    return proof


def is_proof(descriptors: Sequence[int], numbers: Sequence[int]) -> bool:
    """Whether the descriptors that somebody sent prove it, for these numbers. They stay the caller's."""
    return len(descriptors) == len(numbers) > 0 and all(map(_is_part, descriptors, numbers))


def _is_part(descriptor: int, number: int) -> bool:
    """Whether a descriptor is the socket with this number, made here by who may."""
    try:
        with socket.socket(fileno=os.dup(descriptor)) as sent:
            return (
                (sent.family, sent.proto) == (socket.AF_NETLINK, NETLINK_NETFILTER)
                and sent.getsockname() == (number, _GROUP_BIT)
                and _namespace(sent) == _namespace_here()
            )
    except (OSError, OverflowError):
        return False


def _namespace_here() -> tuple[int, int]:
    """Name the network namespace of this thread. Raises OSError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as ours:
        return _namespace(ours)


def _namespace(of: socket.socket) -> tuple[int, int]:
    """Name the network namespace that a socket was made in. Raises OSError."""
    descriptor = fcntl.ioctl(of.fileno(), _SIOCGSKNS)
    try:
        told = os.fstat(descriptor)
        return told.st_dev, told.st_ino
    finally:
        with suppress(OSError):
            os.close(descriptor)
